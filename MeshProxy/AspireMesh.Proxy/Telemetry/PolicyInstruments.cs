using System.Diagnostics.Metrics;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Counts of what the traffic policies decide, each with where it led and why.</summary>
internal sealed class PolicyInstruments(Meter meter, string workload)
{
    private readonly Counter<long> _retryDecisions = meter.CreateCounter<long>("aspiremesh.retry.decisions", "{decision}", "Failures that were retried, or worth it but not allowed, by reason.");
    private readonly Counter<long> _hedges = meter.CreateCounter<long>("aspiremesh.hedges", "{hedge}", "Copies sent because the first attempt was slow.");
    private readonly Counter<long> _mirrored = meter.CreateCounter<long>("aspiremesh.mirrored", "{request}", "Copies sent to mirrors, or left out because too many were under way.");
    private readonly Counter<long> _probeChanges = meter.CreateCounter<long>("aspiremesh.probe.changes", "{change}", "Destinations that active probes took out or brought back.");
    private readonly Counter<long> _audited = meter.CreateCounter<long>("aspiremesh.audited", "{request}", "What was let through although a rule would have refused it, by rule.");

    private readonly Counter<long> _splits = meter.CreateCounter<long>("aspiremesh.split.decisions", "{request}", "Requests by the leg of the split that they took.");

    private KeyValuePair<string, object?> Source => new(MeshNames.Source, workload);

    public void Split(ClusterSnapshot cluster, string route) =>
        _splits.Add(1, [Source, new(MeshNames.Destination, cluster.Workload), new(MeshNames.Route, route), new(MeshNames.Cluster, cluster.Name)]);

    public void Retry(ClusterSnapshot cluster, string route, string decision, string reason) => _retryDecisions.Add(
        1, [Source, new(MeshNames.Destination, cluster.Workload), new(MeshNames.Route, route), new(MeshNames.State, decision), new(MeshNames.Reason, reason)]);

    public void Hedge(ClusterSnapshot cluster, string route) => _hedges.Add(1, Source, new(MeshNames.Destination, cluster.Workload), new(MeshNames.Route, route));

    public void Mirror(ClusterSnapshot cluster, string route, bool sent) => _mirrored.Add(
        1, [Source, new(MeshNames.Destination, cluster.Workload), new(MeshNames.Route, route), new(MeshNames.State, sent ? "sent" : "left_out")]);

    public void Probe(ClusterSnapshot cluster, DestinationSnapshot destination, bool healthy) => _probeChanges.Add(
        1, [Source, new(MeshNames.Destination, cluster.Workload), new(MeshNames.Instance, destination.Name), new(MeshNames.State, healthy ? "healthy" : "unhealthy")]);

    public void Audit(string source, string destination, string endpoint, string rule) =>
        _audited.Add(1, [new(MeshNames.Source, source), new(MeshNames.Destination, destination), new(MeshNames.Endpoint, endpoint), new(MeshNames.Rule, rule)]);
}
