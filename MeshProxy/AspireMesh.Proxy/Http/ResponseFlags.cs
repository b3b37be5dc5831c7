namespace AspireMesh.Proxy.Http;

/// <summary>Why a request ended the way it did: short codes for access logs and <c>mesh.response.flags</c>, the same letters Envoy's users know.</summary>
public static class ResponseFlags
{
    /// <summary>No route matched.</summary>
    public const string NoRoute = "NR";

    /// <summary>No healthy destination.</summary>
    public const string NoHealthyUpstream = "UH";

    /// <summary>The connection to the destination could not be made.</summary>
    public const string UpstreamConnectFailure = "UF";

    /// <summary>The destination's connection broke before response headers.</summary>
    public const string UpstreamReset = "UC";

    /// <summary>The request's deadline passed.</summary>
    public const string UpstreamTimeout = "UT";

    /// <summary>A circuit breaker is Open, or a concurrency limit and its queue are full.</summary>
    public const string UpstreamOverflow = "UO";

    /// <summary>All retries were used up.</summary>
    public const string RetriesExhausted = "URX";

    /// <summary>The retry budget was used up.</summary>
    public const string RetryBudgetExhausted = "RBX";

    /// <summary>It was sent once more: a retry.</summary>
    public const string Retried = "RT";

    /// <summary>A traffic split chose where it went.</summary>
    public const string Split = "TS";

    /// <summary>It had its destination ejected.</summary>
    public const string Ejected = "EJ";

    /// <summary>It changed the state of a circuit breaker.</summary>
    public const string BreakerChanged = "CB";

    /// <summary>The caller went away.</summary>
    public const string CallerGone = "DC";

    /// <summary>The caller's request could not be read.</summary>
    public const string CallerProtocolError = "DPE";

    /// <summary>A rate limit.</summary>
    public const string RateLimited = "RL";

    /// <summary>Load shedding.</summary>
    public const string LoadShed = "OM";

    /// <summary>Refused by authorization or authentication.</summary>
    public const string Unauthorized = "UAEX";

    /// <summary>An audit let it pass: a rule would have refused it.</summary>
    public const string Audited = "AU";

    /// <summary>A fault answered.</summary>
    public const string FaultInjected = "FI";

    /// <summary>A fault delayed.</summary>
    public const string DelayInjected = "DI";

    /// <summary>The request went in a circle.</summary>
    public const string Loop = "LD";

    /// <summary>A destination outside the mesh that is not declared, or may not be reached through the sidecar.</summary>
    public const string UndeclaredEgress = "UE";

    /// <summary>An upgraded connection was idle for too long. Other streams that are cut for it have the flag of a broken one: the forwarder does not tell them apart.</summary>
    public const string StreamIdle = "SI";
}
