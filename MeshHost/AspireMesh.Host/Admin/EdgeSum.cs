using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Admin;

/// <summary>One edge, summed over the caller's sidecars.</summary>
internal sealed record EdgeSum(bool? Mtls, long Requests, long Failures, long Attempts, WindowSum Window)
{
    public static EdgeSum Of(ModelIndex index, EdgeModel edge, IReadOnlyDictionary<string, SidecarState> sidecars)
    {
        bool? mtls = null;
        long requests = 0, failures = 0, attempts = 0;
        var window = new WindowSum();
        foreach (var sidecar in index.Workload(edge.From)?.Sidecars ?? [])
        {
            if (!sidecars.TryGetValue(sidecar.Instance, out var state) || !state.Edges.TryGetValue((edge.To, edge.Endpoint), out var totals)) continue;
            // One sidecar that was seen without mTLS is enough to say so.
            mtls = totals.Mtls is null ? mtls : totals.Mtls.Value && mtls != false;
            requests += totals.Requests;
            failures += totals.Failures;
            attempts += totals.Attempts;
            totals.AddWindow(window);
        }
        return new EdgeSum(mtls, requests, failures, attempts, window);
    }

    public static string Protocol(ModelIndex index, EdgeModel edge)
    {
        var protocol = index.External(edge.To)?.Protocol ?? index.Workload(edge.To)?.Endpoints.FirstOrDefault(e => e.Name == edge.Endpoint)?.Protocol;
        return protocol == AppProtocol.Tcp ? "tcp" : "http";
    }

    public static StatRow Stat(ModelIndex index, EdgeModel edge, IReadOnlyDictionary<string, SidecarState> sidecars)
    {
        var sum = Of(index, edge, sidecars);
        var window = sum.Window;
        return new StatRow
        {
            From = edge.From,
            To = edge.To,
            Endpoint = edge.Endpoint,
            Protocol = Protocol(index, edge),
            PerSecond = window.Seconds > 0 ? window.Requests / window.Seconds : 0,
            SuccessPercent = window.Requests > 0 ? 100.0 * (window.Requests - window.Failures) / window.Requests : null,
            P50Ms = LatencyBuckets.Percentile(window.Latency, 50),
            P95Ms = LatencyBuckets.Percentile(window.Latency, 95),
            P99Ms = LatencyBuckets.Percentile(window.Latency, 99),
            Requests = sum.Requests,
            Failures = sum.Failures,
            Attempts = sum.Attempts,
            Mtls = sum.Mtls,
        };
    }
}
