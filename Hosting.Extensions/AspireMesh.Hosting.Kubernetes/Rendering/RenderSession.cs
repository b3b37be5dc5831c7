using System.Collections.Immutable;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>One rendering under way: what is rendered, the objects so far, and a verdict for each policy.</summary>
public sealed class RenderSession
{
    private readonly List<Manifest> _objects = [];
    private readonly List<WorkloadMark> _marks = [];
    private readonly Dictionary<PolicyItem, PolicyVerdict> _verdicts = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<RoutePolicy> _never = new(ReferenceEqualityComparer.Instance);

    /// <summary>Begins.</summary>
    /// <param name="model">The mesh.</param>
    /// <param name="placement">Where it stands in the cluster.</param>
    /// <param name="keepSidecars">Whether our sidecars stay for what the other mesh lacks.</param>
    public RenderSession(MeshModel model, MeshPlacement placement, bool keepSidecars)
    {
        // A gateway that passes TLS through is none that a renderer of HTTP gateways may make; its routes have verdicts of their own.
        TlsGateways = [.. model.Gateways.Where(g => g.TlsRoutes.Length > 0)];
        var edges = new Dictionary<EdgeModel, EdgeModel>(ReferenceEqualityComparer.Instance);
        foreach (var edge in model.Edges) edges[edge] = Shaped(edge);
        (Model, Placement, KeepSidecars) = (model with { Gateways = model.Gateways.RemoveAll(g => g.TlsRoutes.Length > 0), Edges = [.. model.Edges.Select(e => edges[e])] }, placement, keepSidecars);
        Items = [.. PolicyItems.Of(model).Select(i => i.Edge is { } edge ? i with { Edge = edges[edge] } : i)];
    }

    /// <summary>The mesh.</summary>
    public MeshModel Model { get; }

    /// <summary>The gateways that pass TLS through; <see cref="Model"/> has the others.</summary>
    internal ImmutableArray<GatewayModel> TlsGateways { get; }

    /// <summary>Where it stands.</summary>
    public MeshPlacement Placement { get; }

    /// <summary>Whether our sidecars stay for what the other mesh lacks.</summary>
    public bool KeepSidecars { get; }

    /// <summary>Every policy that needs a verdict.</summary>
    public ImmutableArray<PolicyItem> Items { get; }

    /// <summary>The mesh's name as Kubernetes takes names: an AppHost's has dots and capitals.</summary>
    internal string Name => string.Concat(Model.Name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');

    /// <summary>Things a person must know, such as a mesh that has ended.</summary>
    public List<string> Notices { get; } = [];

    /// <summary>Whether a policy is about what travels in our sidecars' tunnel: where they stay, that is everything between workloads.</summary>
    internal bool InTunnel(PolicyItem item) => KeepSidecars && item.Kind is not (PolicyKind.Gateway or PolicyKind.ExternalService or PolicyKind.EgressControl);

    /// <summary>Has the workload's own pods or Service carry something for the mesh: the label that has a proxy injected, a port that is not HTTP. The namespace is not the chart's to label.</summary>
    internal void Mark(string workload, MarkPlace place, string key, string value) => _marks.Add(new(workload, place, key, value));

    /// <summary>The same for every workload.</summary>
    internal void MarkAll(MarkPlace place, string key, string value)
    {
        foreach (var workload in Model.Workloads) Mark(workload.Name, place, key, value);
    }

    /// <summary>Adds an object.</summary>
    public void Add(Manifest manifest) => _objects.Add(manifest);

    /// <summary>The policy is there in the other mesh's words.</summary>
    public void Rendered(PolicyItem item, string where) => Decide(item, VerdictKind.Rendered, where);

    /// <summary>The policy is nearly there.</summary>
    public void Approximated(PolicyItem item, string how) => Decide(item, VerdictKind.Approximated, how);

    /// <summary>The other mesh has no word for it: our sidecar keeps it where sidecars stay, otherwise it is refused.</summary>
    public void Missing(PolicyItem item, string why)
    {
        // Our sidecars obey the AppHost's word too.
        if (item.Kind == PolicyKind.Fault && !Model.ChaosEnabled) Decide(item, VerdictKind.Refused, "the AppHost did not opt in to chaos for a published mesh: write .WithChaos().WithPublishedChaos()");
        else Decide(item, KeepSidecars ? VerdictKind.Kept : VerdictKind.Refused, KeepSidecars ? $"our sidecar does it: {why}" : why);
    }

    /// <summary>The result.</summary>
    /// <exception cref="InvalidOperationException">A renderer forgot a policy, or two objects would be one file.</exception>
    public MeshRendering Finish(MeshBackend backend)
    {
        var forgotten = Items.Where(i => !_verdicts.ContainsKey(i)).Select(i => $"{i.Kind} of {i.Subject} {i.Detail}").ToList();
        if (forgotten.Count > 0) throw new InvalidOperationException($"the renderer for {backend} gave no verdict on: {string.Join("; ", forgotten)}");
        var twice = _objects.GroupBy(o => o.FileName).Where(g => g.Count() > 1).Select(g => g.Key).ToList();
        if (twice.Count > 0) throw new InvalidOperationException($"the renderer for {backend} made two objects for: {string.Join("; ", twice)}");
        return new MeshRendering(backend, [.. _objects.OrderBy(o => o.FileName, StringComparer.Ordinal)], [.. Items.Select(i => _verdicts[i])], [.. Notices]) { Marks = [.. _marks] };
    }

    // Only the routes that requests come to: what is behind them would come to life in a mesh that picks the most specific one.
    private EdgeModel Shaped(EdgeModel edge)
    {
        var (reached, never) = RouteShape.Of(edge);
        _never.UnionWith(never);
        return reached.SequenceEqual(edge.Policies.Routes) ? edge : edge with { Policies = edge.Policies with { Routes = reached } };
    }

    private void Decide(PolicyItem item, VerdictKind kind, string reason)
    {
        if (item.Route is not null && _never.Contains(item.Route)) (kind, reason) = (VerdictKind.Rendered, "nothing to write: no request comes to this route, which stands behind one that takes everything or waits for another caller");
        // Renderers write policies for ways that end in the mesh.
        if (kind is VerdictKind.Rendered or VerdictKind.Approximated && item.Edge is { } edge && !Placement.Workloads.ContainsKey(edge.To))
        {
            (kind, reason) = (VerdictKind.Refused, $"{edge.To} is outside the mesh, and nothing but the way to it is written");
        }
        if (kind != VerdictKind.Kept && InTunnel(item)) (kind, reason) = (VerdictKind.Kept, "our sidecar does it: between our sidecars travels one tunnel, which the other mesh lets pass");
        if (!_verdicts.TryAdd(item, new PolicyVerdict(item, kind, reason)))
        {
            throw new InvalidOperationException($"{item.Kind} of {item.Subject} already has a verdict");
        }
    }
}

/// <summary>A finished rendering.</summary>
/// <param name="Backend">For which mesh.</param>
/// <param name="Objects">The objects, sorted by file name.</param>
/// <param name="Verdicts">One per policy, in the order of the mesh.</param>
/// <param name="Notices">Things a person must know.</param>
public sealed record MeshRendering(MeshBackend Backend, ImmutableArray<Manifest> Objects, ImmutableArray<PolicyVerdict> Verdicts, ImmutableArray<string> Notices)
{
    /// <summary>Whether anything was lost (refused), which <c>--strict</c> turns into an error.</summary>
    public bool HasLoss => Verdicts.Any(v => v.Kind == VerdictKind.Refused);

    /// <summary>What the workloads' own pods and Services carry for the mesh, in the order it was said.</summary>
    internal ImmutableArray<WorkloadMark> Marks { get; init; } = [];
}

/// <summary>Where a mark is set.</summary>
internal enum MarkPlace
{
    PodLabel,
    PodAnnotation,
    ServiceLabel,
    ServiceAnnotation,
}

/// <summary>A label or an annotation on a workload's own pods or Service.</summary>
internal sealed record WorkloadMark(string Workload, MarkPlace Place, string Key, string Value);
