using System.Collections.Immutable;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Protocol.Admin;

/// <summary>What <c>aspiremesh status --json</c> prints (design.md section 6).</summary>
public sealed record MeshStatus
{
    /// <summary>The trust domain.</summary>
    public required string TrustDomain { get; init; }

    /// <summary>strict, permissive or disabled.</summary>
    public required string Mtls { get; init; }

    /// <summary>One row per sidecar.</summary>
    public ImmutableArray<WorkloadStatus> Workloads { get; init; } = [];

    /// <summary>One row per edge.</summary>
    public ImmutableArray<EdgeStatus> Edges { get; init; } = [];
}

/// <summary>One sidecar.</summary>
public sealed record WorkloadStatus
{
    /// <summary>The sidecar's instance name.</summary>
    public required string Name { get; init; }

    /// <summary>The SPIFFE ID.</summary>
    public required string Identity { get; init; }

    /// <summary>Inbound address, <c>host:port</c>.</summary>
    public string? Inbound { get; init; }

    /// <summary>Admin address, <c>host:port</c>.</summary>
    public string? Admin { get; init; }

    /// <summary>The acknowledged snapshot's version, 0 for none.</summary>
    public long Snapshot { get; init; }

    /// <summary>End of the current SVID's life, UTC; null before the first.</summary>
    public DateTimeOffset? SvidExpires { get; init; }

    /// <summary>Connected, has its SVID, has acknowledged the current snapshot, and its app answers where that is known.</summary>
    public bool Healthy { get; init; }

    /// <summary>What is wrong, a sentence each, with the next line to type; empty when healthy.</summary>
    public ImmutableArray<string> Problems { get; init; } = [];
}

/// <summary>One edge, summed over the caller's sidecars.</summary>
public sealed record EdgeStatus
{
    /// <summary>The caller.</summary>
    public required string From { get; init; }

    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>http or tcp.</summary>
    public required string Protocol { get; init; }

    /// <summary>The outbound listener, <c>host:port</c> (the first, where there are several sidecars).</summary>
    public string? Outbound { get; init; }

    /// <summary>What the handshakes were seen to be; null before the first.</summary>
    public bool? Mtls { get; init; }

    /// <summary>Requests, or connections for opaque TCP.</summary>
    public long Requests { get; init; }

    /// <summary>5xx answers and requests that got none.</summary>
    public long Failures { get; init; }

    /// <summary>Median time to response headers over the recent window, milliseconds; null without traffic.</summary>
    public double? P50Ms { get; init; }

    /// <summary>99th percentile, likewise.</summary>
    public double? P99Ms { get; init; }
}

/// <summary>What a sidecar tells the control plane, about every second while something changed.</summary>
public sealed record SidecarReport
{
    /// <summary>End of the SVID's life, UTC.</summary>
    public DateTimeOffset? SvidExpires { get; init; }

    /// <summary>Serial number of the SVID in use, hexadecimal; null from a sidecar that does not say.</summary>
    public string? SvidSerial { get; init; }

    /// <summary>Its edges.</summary>
    public ImmutableArray<EdgeReport> Edges { get; init; } = [];

    /// <summary>Callers seen in plaintext (permissive mode): count by remote address.</summary>
    public ImmutableDictionary<string, long> PlaintextCallers { get; init; } = ImmutableDictionary<string, long>.Empty;

    /// <summary>How often each fault fired, by id.</summary>
    public ImmutableDictionary<string, long> FaultFires { get; init; } = ImmutableDictionary<string, long>.Empty;

    /// <summary>What the faults that are or were lately in force decided, by fault and edge.</summary>
    public ImmutableArray<FaultTally> Faults { get; init; } = [];

    /// <summary>Refusals by the rule that decided.</summary>
    public ImmutableDictionary<string, long> Denied { get; init; } = ImmutableDictionary<string, long>.Empty;
}

/// <summary>Totals of one outbound listener since the sidecar started.</summary>
public sealed record EdgeReport
{
    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Handshakes seen with a verified peer, or null before the first.</summary>
    public bool? Mtls { get; init; }

    /// <summary>Requests or connections.</summary>
    public long Requests { get; init; }

    /// <summary>Failures.</summary>
    public long Failures { get; init; }

    /// <summary>Attempts, retries included.</summary>
    public long Attempts { get; init; }

    /// <summary>Counts of times to response headers by bucket; see <see cref="LatencyBuckets"/>.</summary>
    public ImmutableArray<long> Latency { get; init; } = [];
}

/// <summary>Bucket bounds for latency: powers of the fourth root of two from 0.05 ms, so a percentile is read to within 10 %.</summary>
public static class LatencyBuckets
{
    /// <summary>How many buckets; the last takes everything longer (about 200 s).</summary>
    public const int Count = 89;

    /// <summary>The bucket for a time in milliseconds.</summary>
    public static int IndexOf(double milliseconds)
    {
        if (milliseconds <= 0.05) return 0;
        var index = (int)Math.Ceiling(4 * Math.Log2(milliseconds / 0.05));
        return Math.Min(index, Count - 1);
    }

    /// <summary>Upper bound of a bucket, milliseconds.</summary>
    public static double UpperBound(int index) => 0.05 * Math.Pow(2, index / 4.0);

    /// <summary>The p-th percentile (0 to 100) of counts, milliseconds; null when all are zero.</summary>
    public static double? Percentile(ReadOnlySpan<long> counts, double p)
    {
        long total = 0;
        foreach (var c in counts) total += c;
        if (total == 0) return null;
        var rank = (long)Math.Ceiling(total * p / 100);
        long seen = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= rank) return UpperBound(i);
        }
        return UpperBound(counts.Length - 1);
    }
}

/// <summary>Which requests a tap shows. Null parts match anything.</summary>
public sealed record TapFilter
{
    /// <summary>Caller.</summary>
    public string? From { get; init; }

    /// <summary>Callee.</summary>
    public string? To { get; init; }

    /// <summary>Path prefix.</summary>
    public string? Path { get; init; }

    /// <summary>Method.</summary>
    public string? Method { get; init; }

    /// <summary>Lowest status shown, for example 500 for failures only; 0 for all.</summary>
    public int MinStatus { get; init; }
}

/// <summary>One request as a tap and the access log show it.</summary>
public sealed record TapEvent
{
    /// <summary>When it ended, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Caller.</summary>
    public required string From { get; init; }

    /// <summary>Callee.</summary>
    public required string To { get; init; }

    /// <summary>Endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Route.</summary>
    public string? Route { get; init; }

    /// <summary>Destination that answered.</summary>
    public string? Destination { get; init; }

    /// <summary>Method.</summary>
    public string? Method { get; init; }

    /// <summary>Path, without query.</summary>
    public string? Path { get; init; }

    /// <summary>Status; 0 for opaque TCP.</summary>
    public int Status { get; init; }

    /// <summary>gRPC status, if any.</summary>
    public int? GrpcStatus { get; init; }

    /// <summary>Time to response headers, milliseconds.</summary>
    public double DurationMs { get; init; }

    /// <summary>Attempts.</summary>
    public int Attempts { get; init; }

    /// <summary>Response flags, as in <c>mesh.response.flags</c>.</summary>
    public string? Flags { get; init; }

    /// <summary>Ids of the faults that hit it, comma separated; null for none.</summary>
    public string? Faults { get; init; }

    /// <summary>Trace id.</summary>
    public string? TraceId { get; init; }
}

/// <summary>The run file of a running mesh: <c>&lt;apphost&gt;.&lt;pid&gt;.json</c>, mode 0600 (design.md section 6).</summary>
public sealed record RunFile
{
    /// <summary>The directory's environment variable.</summary>
    public const string DirectoryVariable = "ASPIREMESH_RUN_DIR";

    /// <summary>The AppHost's name.</summary>
    public required string AppHost { get; init; }

    /// <summary>Its process.</summary>
    public required int Pid { get; init; }

    /// <summary>The control plane's admin API, <c>http://127.0.0.1:port</c>.</summary>
    public required string Admin { get; init; }

    /// <summary>Its bearer token.</summary>
    public required string Token { get; init; }
}
