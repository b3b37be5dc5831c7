using System.Collections.Immutable;
using System.Reflection;
using AspireMesh.Host.Policy;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Admin;

/// <summary>The state of every sidecar and edge, and what is wrong with them.</summary>
internal sealed class StatusView(SidecarRegistry registry, ControlPlaneOptions options)
{
    public MeshStatus Status()
    {
        if (registry.Input is not { } input) return new MeshStatus { TrustDomain = options.TrustDomain, Mtls = Text(MtlsMode.Strict) };
        var model = input.Index.Model;
        return registry.Read(sidecars => new MeshStatus
        {
            TrustDomain = model.TrustDomain,
            Mtls = Text(model.Mtls),
            Workloads = [.. model.Workloads.SelectMany(w => w.Sidecars.Select(s => Workload(input, w, s, sidecars[s.Instance])))],
            Edges = [.. model.Edges.Select(e => Edge(input.Index, e, sidecars))],
        });
    }

    public CheckResult Check(string? rotation)
    {
        if (registry.Input is not { } input)
        {
            return new CheckResult { Healthy = false, Problems = [MeshDiagnostics.NoSidecar.Found($"Mesh '{options.Name}' has no model yet. Wait for the AppHost to start it: aspiremesh check --wait 30")] };
        }
        var problems = registry.Read(sidecars => sidecars.Values.OrderBy(s => s.Instance, StringComparer.Ordinal).SelectMany(s => Problems(input, s)).ToImmutableArray());
        var notes = PlaintextCallers().Select(p => $"'{p.Caller}' still calls '{p.Instance}' in plaintext ({p.Count} times). Bring it into the mesh before you type: aspiremesh mtls strict").ToList();
        notes.AddRange(registry.Read(sidecars => sidecars.Values.OrderBy(s => s.Instance, StringComparer.Ordinal).Select(OtherVersion).OfType<string>().ToArray()));
        if (rotation is not null) notes.Add($"A root rotation is under way: {rotation}");
        return new CheckResult { Healthy = problems.IsEmpty, Problems = problems, Notes = [.. notes] };
    }

    // Both planes are built together, so their versions are told apart by being different.
    private static string? OtherVersion(SidecarState sidecar)
    {
        if (sidecar is not { Connection: not null, ProxyVersion: { Length: > 0 } runs } || runs == OwnVersion) return null;
        var older = Version.TryParse(runs.Split('-')[0], out var its) && Version.TryParse(OwnVersion.Split('-')[0], out var own) && its < own;
        return MeshDiagnostics.OlderSidecar.Found($"Sidecar '{sidecar.Instance}' runs {(older ? "the older version" : "version")} {runs}, the control plane {OwnVersion}. Type: aspiremesh upgrade {sidecar.Instance}").ToString();
    }

    private static string OwnVersion { get; } = typeof(StatusView).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    /// <summary>Callers that used plaintext recently, by the sidecar they called.</summary>
    public ImmutableArray<(string Instance, string Caller, long Count)> PlaintextCallers()
    {
        var since = options.TimeProvider.GetUtcNow() - SidecarState.PlaintextMemory;
        return registry.Read(sidecars => sidecars.Values
            .SelectMany(s => s.Plaintext.Where(p => p.Value.Last >= since).Select(p => (s.Instance, p.Key, p.Value.Count)))
            .Order()
            .ToImmutableArray());
    }

    private WorkloadStatus Workload(CompileInput input, WorkloadModel workload, SidecarModel sidecar, SidecarState state)
    {
        var problems = Problems(input, state).ToImmutableArray();
        return new WorkloadStatus
        {
            Name = sidecar.Instance,
            Identity = input.Index.Identity(workload.Name).ToString(),
            Inbound = sidecar.Address is { Length: > 0 } address ? address : sidecar.Inbound,
            Admin = sidecar.Admin,
            Snapshot = state.AcknowledgedVersion,
            SvidExpires = state.SvidReported ?? state.SvidExpires,
            Healthy = problems.IsEmpty,
            Problems = [.. problems.Select(p => p.ToString())],
        };
    }

    private IEnumerable<MeshProblem> Problems(CompileInput input, SidecarState sidecar)
    {
        var name = $"Sidecar '{sidecar.Instance}'";
        const string Again = "Look at its log, then type: aspiremesh check --wait 30";
        if (sidecar.Connection is null)
        {
            yield return sidecar.Joined
                ? MeshDiagnostics.SidecarAway.Found($"{name} has lost its connection to the control plane. {Again}")
                : MeshDiagnostics.SidecarAway.Found($"{name} has not joined yet. {Again}");
        }
        else if (sidecar.RefusedVersion > 0)
        {
            yield return MeshDiagnostics.SnapshotRefused.Found($"{name} refused version {sidecar.RefusedVersion} of its snapshot: {string.Join("; ", sidecar.RefusedReasons)}. Correct that; see it with: aspiremesh config {sidecar.Instance}");
        }
        else if (!sidecar.IsSynchronized)
        {
            yield return MeshDiagnostics.SnapshotNotAcknowledged.Found($"{name} has not acknowledged version {sidecar.Snapshot?.Version ?? 0} of its snapshot (it obeys {sidecar.AcknowledgedVersion}). {Again}");
        }
        var expires = sidecar.SvidReported ?? sidecar.SvidExpires;
        if (sidecar.Joined && expires is { } end && end < options.TimeProvider.GetUtcNow())
        {
            yield return MeshDiagnostics.SvidMissing.Found($"{name}: its SVID expired at {end:u}. Start its resource again.");
        }
        if (input.Unhealthy.Contains(sidecar.Instance))
        {
            yield return MeshDiagnostics.AppUnhealthy.Found($"The app beside sidecar '{sidecar.Instance}' is not healthy. Look at the log of '{sidecar.Workload}' in the dashboard.");
        }
    }

    private static EdgeStatus Edge(ModelIndex index, EdgeModel edge, IReadOnlyDictionary<string, SidecarState> sidecars)
    {
        var sum = EdgeSum.Of(index, edge, sidecars);
        var first = index.Workload(edge.From)?.Sidecars.Select(s => s.Instance).FirstOrDefault(edge.Listen.ContainsKey);
        return new EdgeStatus
        {
            From = edge.From,
            To = edge.To,
            Endpoint = edge.Endpoint,
            Protocol = EdgeSum.Protocol(index, edge),
            Outbound = first is null ? null : edge.Listen[first],
            Mtls = sum.Mtls,
            Requests = sum.Requests,
            Failures = sum.Failures,
            P50Ms = LatencyBuckets.Percentile(sum.Window.Latency, 50),
            P99Ms = LatencyBuckets.Percentile(sum.Window.Latency, 99),
        };
    }

    private static string Text(MtlsMode mode) => mode.ToString().ToLowerInvariant();
}
