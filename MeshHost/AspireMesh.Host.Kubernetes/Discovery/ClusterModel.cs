using System.Collections.Immutable;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Kubernetes.Discovery;

/// <summary>
/// The chart's model has one sidecar per workload, the pattern of its pods. Here pattern and pods become the model that is put in force. Pure.
/// </summary>
internal static class ClusterModel
{
    /// <summary>How long SVIDs live in a cluster where the model does not say otherwise.</summary>
    public static readonly TimeSpan SvidLifetime = TimeSpan.FromHours(24);

    private static readonly TimeSpan LocalLifetime = new MeshModel { Name = "", TrustDomain = "" }.SvidLifetime;

    /// <summary>A chart's model as the pattern for this cluster.</summary>
    /// <exception cref="MeshValidationException">A workload has not exactly one sidecar; names every one.</exception>
    public static MeshModel Pattern(MeshModel model, ClusterOptions options)
    {
        var problems = new ProblemList();
        foreach (var workload in model.Workloads.Where(w => w.Sidecars.Length != 1))
        {
            problems.Add(MeshDiagnostics.NoSidecar, $"Workload '{workload.Name}' in ConfigMap '{ClusterNames.Mesh}' has {workload.Sidecars.Length} sidecars; one is needed, the pattern of its pods. Publish the AppHost again.");
        }
        problems.ThrowIfAny();
        return model with
        {
            Namespace = options.Namespace,
            TrustDomain = options.TrustDomain ?? model.TrustDomain,
            SvidLifetime = model.SvidLifetime == LocalLifetime ? SvidLifetime : model.SvidLifetime,
            SidecarsComeAndGo = true,
        };
    }

    /// <summary>A model with the sidecars of these pods; everything else stays as it is in <paramref name="current"/>.</summary>
    public static MeshModel Expand(MeshModel current, MeshModel pattern, IEnumerable<Pod> pods, ServiceAddresses addresses)
    {
        var byWorkload = pods.ToLookup(p => p.Workload);
        var patterns = pattern.Workloads.ToDictionary(w => w.Name, w => w.Sidecars[0]);
        var listens = pattern.Edges.ToLookup(e => (e.From, e.To, e.Endpoint), e => e.Listen.Values.FirstOrDefault());
        var intercepted = pattern.Workloads.Where(w => w.Intercept is not null).Select(w => w.Name).ToHashSet(StringComparer.Ordinal);
        return current with
        {
            Workloads = [.. current.Workloads.Select(w => patterns.TryGetValue(w.Name, out var one) ? w with { Sidecars = Sidecars(w, one, byWorkload[w.Name]) } : w)],
            Edges = [.. current.Edges.Select(e => listens[(e.From, e.To, e.Endpoint)].FirstOrDefault() is { } listen ? e with { Listen = Listen(listen, byWorkload[e.From]), Addresses = intercepted.Contains(e.From) ? addresses.Of(e.To, e.Endpoint, byWorkload[e.To]) : [] } : e)],
        };
    }

    private static SidecarModel Sidecar(SidecarModel pattern, Pod pod) => pattern with
    {
        Instance = pod.Name,
        Address = pod.Address,
        Labels = pod.Zone is null ? pattern.Labels : pattern.Labels.SetItem("zone", pod.Zone),
    };

    private static ImmutableArray<SidecarModel> Sidecars(WorkloadModel current, SidecarModel pattern, IEnumerable<Pod> pods)
    {
        // Somebody may have given a pod another weight since it came.
        var weights = current.Sidecars.ToDictionary(s => s.Instance, s => s.Weight, StringComparer.Ordinal);
        return [.. pods.Select(p => Sidecar(pattern, p) with { Weight = weights.GetValueOrDefault(p.Name, pattern.Weight) })];
    }

    private static ImmutableDictionary<string, string> Listen(string address, IEnumerable<Pod> callers) => callers.ToImmutableDictionary(p => p.Name, _ => address);
}
