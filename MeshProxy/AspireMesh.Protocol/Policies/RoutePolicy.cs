using System.Collections.Immutable;

namespace AspireMesh.Protocol.Policies;

/// <summary>Match plus what happens to the requests that match. Routes are tried in order; the first match wins.</summary>
public sealed record RoutePolicy
{
    /// <summary>Unique on its edge; shows in metrics as <c>mesh.route</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Any of these; empty matches everything.</summary>
    public ImmutableArray<RouteMatch> Matches { get; init; } = [];

    /// <summary>Weighted destinations; empty means the edge's own endpoint.</summary>
    public ImmutableArray<TrafficSplitLeg> Split { get; init; } = [];

    /// <summary>Answers with a redirect instead of forwarding.</summary>
    public RedirectAction? Redirect { get; init; }

    /// <summary>Changes host or path before forwarding.</summary>
    public RewriteAction? Rewrite { get; init; }

    /// <summary>Edits of request headers.</summary>
    public HeaderEdits? RequestHeaders { get; init; }

    /// <summary>Edits of response headers.</summary>
    public HeaderEdits? ResponseHeaders { get; init; }

    /// <summary>Cross-origin rules answered by the sidecar.</summary>
    public CorsPolicy? Cors { get; init; }

    /// <summary>Overrides the edge's mirror.</summary>
    public MirrorPolicy? Mirror { get; init; }

    /// <summary>Overrides the edge's time limits.</summary>
    public TimeoutPolicy? Timeouts { get; init; }

    /// <summary>Overrides the edge's retries.</summary>
    public RetryPolicy? Retry { get; init; }

    /// <summary>Overrides the edge's hedging.</summary>
    public HedgingPolicy? Hedging { get; init; }
}

/// <summary>Conditions that must all hold (Gateway API HTTPRouteMatch and GRPCRouteMatch).</summary>
public sealed record RouteMatch
{
    /// <summary>The path.</summary>
    public StringMatch? Path { get; init; }

    /// <summary>The host of the request, without port.</summary>
    public StringMatch? Host { get; init; }

    /// <summary>One of these methods; empty for any.</summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>All of these headers.</summary>
    public ImmutableArray<NamedMatch> Headers { get; init; } = [];

    /// <summary>All of these query parameters.</summary>
    public ImmutableArray<NamedMatch> Query { get; init; } = [];

    /// <summary>One of these calling workloads; empty for any. Used where several callers share a policy.</summary>
    public ImmutableArray<string> Callers { get; init; } = [];

    /// <summary>gRPC service, as in <c>/service/method</c>; null for any.</summary>
    public string? GrpcService { get; init; }

    /// <summary>gRPC method; null for any.</summary>
    public string? GrpcMethod { get; init; }

    /// <summary>All of these W3C baggage members.</summary>
    public ImmutableArray<NamedMatch> Baggage { get; init; } = [];
}

/// <summary>How a text is compared.</summary>
public enum StringMatchKind
{
    /// <summary>The same characters. Header names compare without case, values with.</summary>
    Exact,

    /// <summary>Starts with. For paths it matches whole segments: <c>/a</c> matches <c>/a</c> and <c>/a/b</c>, not <c>/ab</c>.</summary>
    Prefix,

    /// <summary>A .NET regular expression, non-backtracking, matched against the whole text.</summary>
    Regex,

    /// <summary>Anything, as long as it is there.</summary>
    Present,
}

/// <summary>A comparison.</summary>
/// <param name="Kind">How.</param>
/// <param name="Value">With what; ignored for <see cref="StringMatchKind.Present"/>.</param>
public sealed record StringMatch(StringMatchKind Kind, string Value);

/// <summary>A comparison of a named value (header, query parameter, baggage member, claim).</summary>
/// <param name="Name">The name.</param>
/// <param name="Match">The comparison.</param>
public sealed record NamedMatch(string Name, StringMatch Match);

/// <summary>One leg of a weighted choice.</summary>
public sealed record TrafficSplitLeg
{
    /// <summary>The workload; null for the edge's own.</summary>
    public string? Workload { get; init; }

    /// <summary>The endpoint; null for the edge's own.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Only destinations whose labels have all of these.</summary>
    public ImmutableDictionary<string, string> Subset { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Share, in proportion to the sum of all legs. 0 takes no traffic; all 0 is refused.</summary>
    public required int Weight { get; init; }

    /// <summary>Edits of request headers for this leg alone, after the route's (Gateway API: filters of a backend). HTTP only.</summary>
    public HeaderEdits? RequestHeaders { get; init; }
}

/// <summary>A redirect (Gateway API HTTPRequestRedirectFilter). Null parts keep the request's own.</summary>
public sealed record RedirectAction
{
    /// <summary>http or https.</summary>
    public string? Scheme { get; init; }

    /// <summary>Host name.</summary>
    public string? Host { get; init; }

    /// <summary>Port.</summary>
    public int? Port { get; init; }

    /// <summary>Replaces the whole path.</summary>
    public string? Path { get; init; }

    /// <summary>Replaces the matched prefix.</summary>
    public string? PrefixPath { get; init; }

    /// <summary>301, 302, 303, 307 or 308. Default 302.</summary>
    public int Status { get; init; } = 302;
}

/// <summary>A rewrite (Gateway API HTTPURLRewriteFilter).</summary>
public sealed record RewriteAction
{
    /// <summary>Replaces the Host header.</summary>
    public string? Host { get; init; }

    /// <summary>Replaces the whole path.</summary>
    public string? Path { get; init; }

    /// <summary>Replaces the matched prefix.</summary>
    public string? PrefixPath { get; init; }
}

/// <summary>Edits, applied in the order remove, set, add.</summary>
public sealed record HeaderEdits
{
    /// <summary>Headers to replace.</summary>
    public ImmutableDictionary<string, string> Set { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Headers to append to.</summary>
    public ImmutableDictionary<string, string> Add { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Headers to take away.</summary>
    public ImmutableArray<string> Remove { get; init; } = [];
}

/// <summary>Cross-origin rules (Fetch standard).</summary>
public sealed record CorsPolicy
{
    /// <summary>Allowed origins; <c>*</c> for any.</summary>
    public ImmutableArray<string> Origins { get; init; } = [];

    /// <summary>Allowed methods.</summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>Allowed request headers.</summary>
    public ImmutableArray<string> Headers { get; init; } = [];

    /// <summary>Headers a page may read.</summary>
    public ImmutableArray<string> ExposeHeaders { get; init; } = [];

    /// <summary>Whether credentials are allowed; excludes the origin <c>*</c>.</summary>
    public bool Credentials { get; init; }

    /// <summary>How long a browser may keep the answer. Default 5 seconds (the Fetch default).</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Sends copies of requests elsewhere; their answers are thrown away and never affect the caller.</summary>
public sealed record MirrorPolicy
{
    /// <summary>The workload that gets the copies.</summary>
    public required string Workload { get; init; }

    /// <summary>Its endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Share of requests, 0 to 100.</summary>
    public double Percent { get; init; } = 100;
}
