using System.Collections.Immutable;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Totals of one edge since the sidecar started; written by many requests at once, read once a second.</summary>
internal sealed class EdgeCounters(string to, string endpoint)
{
    private readonly long[] _latency = new long[LatencyBuckets.Count];
    private long _requests;
    private long _failures;
    private long _attempts;
    private int _mtls;

    /// <summary>The callee.</summary>
    public string To { get; } = to;

    /// <summary>The endpoint.</summary>
    public string Endpoint { get; } = endpoint;

    /// <summary>Counts a request that was answered, or failed.</summary>
    public void AddRequest(bool failed, int attempts, TimeSpan headersAfter)
    {
        Interlocked.Increment(ref _requests);
        if (failed) Interlocked.Increment(ref _failures);
        if (attempts > 0) Interlocked.Add(ref _attempts, attempts);
        Interlocked.Increment(ref _latency[LatencyBuckets.IndexOf(headersAfter.TotalMilliseconds)]);
    }

    /// <summary>Counts an opaque connection that was taken.</summary>
    public void AddConnection()
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _attempts);
    }

    /// <summary>Counts an opaque connection that broke.</summary>
    public void AddConnectionFailure() => Interlocked.Increment(ref _failures);

    /// <summary>Notes what the last handshake was: with a verified peer, or none.</summary>
    public void SawHandshake(bool mtls) => Volatile.Write(ref _mtls, mtls ? 1 : -1);

    /// <summary>The totals now.</summary>
    public EdgeReport Read() => new()
    {
        To = To,
        Endpoint = Endpoint,
        Mtls = Volatile.Read(ref _mtls) switch { 1 => true, -1 => false, _ => null },
        Requests = Interlocked.Read(ref _requests),
        Failures = Interlocked.Read(ref _failures),
        Attempts = Interlocked.Read(ref _attempts),
        Latency = ImmutableArray.Create(_latency),
    };
}
