using System.Collections.Immutable;
using System.Globalization;
using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Planning;

/// <summary>Works out the mesh of an AppHost. Touches nothing: reads the resources, calls their environment and argument callbacks on dictionaries of its own, and returns a plan.</summary>
internal sealed class MeshPlanner
{
    private readonly PlanRequest _request;
    private readonly List<MeshProblem> _errors = [];
    private readonly List<MeshProblem> _warnings = [];
    private readonly ImmutableArray<IResource> _participants;
    private readonly HashSet<IResource> _isParticipant;
    private readonly List<(IResource From, IResource To, EndpointAnnotation? Endpoint, string Name)> _references = [];
    private readonly List<(IResource From, IResource To)> _past = [];
    private readonly Dictionary<IResource, ImmutableArray<SidecarPlan>> _sidecars = [];
    private readonly ExternalServices _external;
    private BridgeGateway? _bridge;

    private MeshPlanner(PlanRequest request)
    {
        _request = request;
        _participants = [.. request.Resources.Where(r => Participants.CanTakePart(r) && (!request.ForCluster || Participants.IsDeployed(r)))];
        _isParticipant = [.. _participants];
        _external = new ExternalServices(request.Context, request.TimeProvider);
    }

    /// <summary>Makes the plan. All problems are in it; nothing is thrown for what a user wrote.</summary>
    public static Task<MeshPlan> PlanAsync(PlanRequest request, CancellationToken cancellationToken) => new MeshPlanner(request).PlanAsync(cancellationToken);

    private async Task<MeshPlan> PlanAsync(CancellationToken cancellationToken)
    {
        await FindReferencesAsync(cancellationToken);
        ReportOutsiders();
        // Where egress is watched, who only calls out of the mesh needs a sidecar too.
        var resources = _participants.Where(r => IsWatched(r) || Endpoints(r).Any() || _references.Any(e => e.From == r)).ToImmutableArray();
        foreach (var resource in resources) _sidecars[resource] = SidecarsOf(resource);
        var workloads = resources.Select(Workload).ToImmutableArray();
        var edges = Edges();
        var gateways = new GatewayPlanner(_request, _errors, _warnings).Plan(resources);
        new PolicyTargets(_request, _errors).Check(resources, edges.Select(e => e.Plan), _past);
        var options = _request.Mesh.Options;
        return new MeshPlan
        {
            Model = new MeshModel
            {
                Name = _request.AppHost,
                TrustDomain = options.TrustDomain ?? _request.DefaultTrustDomain,
                Mtls = options.Mtls,
                SvidLifetime = options.SvidLifetime,
                DrainTime = options.DrainTime,
                ChaosEnabled = options.Chaos is true && (!_request.ForCluster || options.PublishedChaos),
                SidecarsComeAndGo = _request.ForCluster,
                UndeclaredEgress = options.UndeclaredEgress,
                AllowTls12 = options.AllowTls12,
                Workloads = [.. workloads.Select(w => w.Model)],
                Edges = [.. edges.Select(e => e.Model)],
                ExternalServices = [.. _references.Select(r => r.To).OfType<ExternalServiceResource>().Distinct().Select(_external.Model)],
                Gateways = [.. gateways.Select(g => g.Model)],
            },
            Workloads = [.. workloads.Select(w => w.Plan)],
            Edges = [.. edges.Select(e => e.Plan)],
            Gateways = [.. gateways.Select(g => g.Plan)],
            Warnings = [.. _warnings],
            Errors = [.. _errors],
        };
    }

    private async Task FindReferencesAsync(CancellationToken cancellationToken)
    {
        var finder = new ReferenceFinder(_request.Context, _request.TimeProvider);
        foreach (var caller in _participants)
        {
            var found = await finder.FindAsync(caller, cancellationToken);
            _warnings.AddRange(found.Warnings);
            foreach (var (callee, name) in found.Endpoints.Select(e => (_request.InModel(e.Resource), e.Endpoint)).Where(e => e.Item1 != caller)) AddReference(caller, callee, name);
            foreach (var external in found.External) await AddExternalAsync(caller, external, cancellationToken);
            if (_request.BridgeGateway is { } ask && Participants.IsContainer(caller)) await FindBridgeAsync(caller, ask, cancellationToken);
        }
    }

    /// <summary>A container that has somebody to call through its sidecar must reach it.</summary>
    private async Task FindBridgeAsync(IResource caller, Func<CancellationToken, Task<BridgeGateway>> ask, CancellationToken cancellationToken)
    {
        var callee = _references.FirstOrDefault(r => r.From == caller).To;
        if (callee is null && !WatchesEgress) return;
        _bridge ??= await ask(cancellationToken);
        if (_bridge.Problem is not { } why) return;
        if (callee is null)
        {
            _warnings.Add(MeshDiagnostics.ContainerCalls.Found($"'{caller.Name}' runs in a container, and what it calls out of the mesh is not watched: {why}"));
            return;
        }
        _errors.Add(MeshDiagnostics.ContainerCalls.Found($"'{caller.Name}' runs in a container and calls '{callee.Name}', and cannot reach its sidecar: {why} Write .WithoutMesh(\"runs in a container\") on '{caller.Name}', or run it as a project or executable."));
        _references.RemoveAll(r => r.From == caller);
    }

    private void AddReference(IResource caller, IResource callee, string name)
    {
        if (Participants.IsOutside(callee, out var reason))
        {
            _warnings.Add(MeshDiagnostics.OutsideTheMesh.Found($"'{caller.Name}' calls '{callee.Name}', which is outside the mesh ({reason}): the call is neither encrypted nor checked. To change that, write .WithMesh() on '{callee.Name}'."));
            return;
        }
        if (!_isParticipant.Contains(callee))
        {
            if (_request.ForCluster && Participants.CanTakePart(callee))
            {
                _errors.Add(MeshDiagnostics.CannotPublish.Found($"'{caller.Name}' calls '{callee.Name}', which is a program of this machine and is not deployed. Write .PublishAsDockerFile() on '{callee.Name}', or use a container in publish mode."));
            }
            return;
        }
        if (callee.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase)) is not { } endpoint) return;
        if (_request.ForCluster)
        {
            endpoint = ClusterPorts.Reached(callee, endpoint);
            if (_references.Any(r => r.From == caller && r.To == callee && r.Endpoint == endpoint)) return;
        }
        if (EndpointKinds.IsUdp(endpoint))
        {
            _errors.Add(MeshDiagnostics.UdpEndpoint.Found($"'{caller.Name}' calls '{callee.Name}' at its UDP endpoint '{name}': sidecars carry TCP only. Write .WithoutMesh(\"uses UDP\") on '{callee.Name}', or offer the endpoint over TCP."));
            return;
        }
        if (_references.All(r => r.To != callee) && AnnouncedAddresses.Protocol(callee) is { } protocol)
        {
            _warnings.Add(MeshDiagnostics.AnnouncesAddresses.Found($"'{callee.Name}' speaks {protocol}, which tells clients addresses to connect to: they may connect past the mesh. Check with: aspiremesh status. If they do, write .WithoutMesh(\"announces its addresses\") on '{callee.Name}'."));
        }
        _references.Add((caller, callee, endpoint, endpoint.Name));
    }

    private async Task AddExternalAsync(IResource caller, ExternalServiceResource external, CancellationToken cancellationToken)
    {
        if (Participants.IsOutside(external, out _)) return;
        if (await _external.RefusalAsync(external, cancellationToken) is { } why)
        {
            _warnings.Add(MeshDiagnostics.ExternalNotCarried.Found($"'{caller.Name}' calls the external service '{external.Name}' past the mesh, where no policy of that edge holds: {why}"));
            _past.Add((caller, external));
            return;
        }
        _references.Add((caller, external, null, _external.AddressOf(external)!.Scheme));
    }

    private void ReportOutsiders()
    {
        foreach (var caller in _request.Resources)
        {
            if (!Participants.IsOutside(caller, out var reason)) continue;
            foreach (var callee in caller.Annotations.OfType<EndpointReferenceAnnotation>().Select(r => (IResource)r.Resource).Where(_isParticipant.Contains).Distinct())
            {
                _warnings.Add(MeshDiagnostics.OutsideTheMesh.Found($"'{caller.Name}' is outside the mesh ({reason}) and calls '{callee.Name}' at its own address: nothing checks these calls. To change that, write .WithMesh() on '{caller.Name}'."));
            }
        }
    }

    private ImmutableArray<SidecarPlan> SidecarsOf(IResource resource)
    {
        var count = _request.ForCluster ? 1 : Math.Max(1, _request.SidecarsOf(resource));
        var builder = ImmutableArray.CreateBuilder<SidecarPlan>(count);
        for (var ordinal = 0; ordinal < count; ordinal++)
        {
            var instance = count == 1 ? resource.Name : $"{resource.Name}-{ordinal}";
            var name = $"{instance}-sidecar";
            if (_request.Resources.FirstOrDefault(r => string.Equals(r.Name, name, StringComparison.OrdinalIgnoreCase)) is { } taken)
            {
                _errors.Add(MeshDiagnostics.SidecarNameTaken.Found($"The sidecar of '{resource.Name}' would be named '{name}', and the AppHost has a resource '{taken.Name}'. Rename that resource."));
            }
            builder.Add(new SidecarPlan(resource, name, instance, ordinal));
        }
        return builder.MoveToImmutable();
    }

    private (WorkloadPlan Plan, WorkloadModel Model) Workload(IResource resource)
    {
        var endpoints = Endpoints(resource).ToImmutableArray();
        var app = endpoints.Select(e => new AppEndpointPlan(e.Name, _request.ForCluster ? e : EndpointKinds.AppSide(resource, e))).ToImmutableArray();
        var ports = ClusterPorts.Of(resource);
        ImmutableArray<SidecarModel> sidecars = _request.ForCluster ? [ClusterPorts.Sidecar(resource, IsWatched(resource))] : _request.NextPort is not { } next
            ? []
            : [.. _sidecars[resource].Select(s => new SidecarModel { Instance = s.Instance, Inbound = Address(next()), Admin = Address(next()), Egress = WatchesEgress ? Address(next(), HostOf(resource)) : null })];
        var model = new WorkloadModel
        {
            Name = resource.Name,
            Endpoints = [.. endpoints.Zip(app, (e, a) => new EndpointModel { Name = e.Name, Protocol = EndpointKinds.ProtocolOf(e), AppTls = a.App.TlsEnabled, App = _request.ForCluster ? Address(ports[e.Name]) : null })],
            Sidecars = sidecars,
        };
        if (_request.ForCluster && AlikePods.Differences(resource, model) is { } differences) _warnings.Add(differences);
        model = AlikePods.Changed(resource, model);
        // Only a pod has a network of its own whose connections could be redirected.
        if (!_request.ForCluster) model = model with { Intercept = null };
        return (new WorkloadPlan(resource, _sidecars[resource], app, EgressOf(resource, sidecars)), model);
    }

    private bool WatchesEgress => _request.Mesh.Options.UndeclaredEgress != EgressMode.Unwatched;

    // Where a container cannot reach its sidecar it is not told of it.
    private bool IsWatched(IResource resource) => WatchesEgress && (_request.ForCluster || !Participants.IsContainer(resource) || _bridge?.Address is not null);

    /// <summary>Where a caller finds its sidecar's listeners.</summary>
    private string HostOf(IResource caller) => Participants.IsContainer(caller) && _bridge?.Address is { } bridge ? bridge : MeshListener.Loopback;

    private MeshListener? EgressOf(IResource resource, ImmutableArray<SidecarModel> sidecars)
    {
        if (!IsWatched(resource) || sidecars.IsEmpty) return null;
        if (_request.InheritedProxy is { } variable && !_request.ForCluster && !Participants.IsContainer(resource))
        {
            var problem = MeshDiagnostics.ProxyIsSet.Found($"Egress is watched, but {variable} is set where the AppHost was started: apps keep that proxy, and calls out of the mesh go past their sidecars. Unset {variable} to have them watched.");
            if (!_warnings.Contains(problem)) _warnings.Add(problem);
            return null;
        }
        return new MeshListener("http", [.. sidecars.Select(s => int.Parse(s.Egress!.AsSpan(s.Egress!.LastIndexOf(':') + 1), CultureInfo.InvariantCulture))], "egress") { Host = HostOf(resource) };
    }

    private ImmutableArray<(EdgePlan Plan, EdgeModel Model)> Edges()
    {
        var changes = _request.Mesh.Annotations.OfType<MeshEdgeAnnotation>().ToArray();
        var edges = ImmutableArray.CreateBuilder<(EdgePlan, EdgeModel)>();
        foreach (var (from, to, endpoint, name) in _references)
        {
            var sidecars = _sidecars[from];
            ImmutableArray<int> ports = _request.ForCluster ? [ClusterPorts.Outbound(edges.Count(e => e.Item1.From == from))]
                : _request.NextPort is { } next ? [.. sidecars.Select(_ => next())] : [];
            var outside = to is ExternalServiceResource external ? _external.AddressOf(external) : null;
            var scheme = endpoint is null ? "http" : EndpointKinds.ListenerScheme(endpoint);
            var host = HostOf(from);
            var model = new EdgeModel
            {
                From = from.Name,
                To = to.Name,
                Endpoint = name,
                Listen = ports.IsEmpty ? [] : sidecars.Zip(ports).ToImmutableDictionary(p => p.First.Instance, p => Address(p.Second, host)),
            };
            var policies = Changed(changes.Where(c => PolicyTargets.Matches(c, from, to, name)), opaque: endpoint is not null && EndpointKinds.ProtocolOf(endpoint) == AppProtocol.Tcp);
            model = model with { Policies = policies with { Routes = RouteOrder.Of(policies.Routes, outside) } };
            edges.Add((new EdgePlan(from, to, endpoint, new MeshListener(scheme, ports, $"{to.Name}.{name}") { Host = host }, outside), model));
        }
        return edges.ToImmutable();
    }

    /// <summary>
    /// What the AppHost says, in its order. A change of one value starts from the defaults of what the edge carries: a pool of database connections must not lose its hour of
    /// silence because somebody shortened the time to connect. What nobody changed stays unsaid.
    /// </summary>
    private static EdgePolicies Changed(IEnumerable<MeshEdgeAnnotation> changes, bool opaque)
    {
        var policies = opaque ? new EdgePolicies { Timeouts = MeshDefaults.OpaqueTimeouts, LoadBalancing = MeshDefaults.OpaqueLoadBalancing } : new EdgePolicies();
        foreach (var change in changes) policies = change.Change(policies);
        if (!opaque) return policies;
        return policies with
        {
            Timeouts = policies.Timeouts == MeshDefaults.OpaqueTimeouts ? null : policies.Timeouts,
            LoadBalancing = policies.LoadBalancing == MeshDefaults.OpaqueLoadBalancing ? null : policies.LoadBalancing,
        };
    }

    private IEnumerable<EndpointAnnotation> Endpoints(IResource resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Where(e => !EndpointKinds.IsUdp(e) && (!_request.ForCluster || ClusterPorts.Reached(resource, e) == e));

    private static string Address(int port, string host = MeshListener.Loopback) => $"{host}:{port}";
}
