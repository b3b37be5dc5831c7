using System.Collections.Immutable;
using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting;

/// <summary>Says policies on the edge from one resource to another. What is said later wins; the mesh's defaults are in <see cref="MeshDefaults"/>.</summary>
public sealed class MeshEdgeBuilder
{
    private readonly IResourceBuilder<MeshResource> _mesh;
    private readonly IResource _from;
    private readonly IResource _to;
    private readonly string? _endpoint;

    internal MeshEdgeBuilder(IResourceBuilder<MeshResource> mesh, IResource from, IResource to, string? endpoint)
    {
        _mesh = mesh;
        _from = from;
        _to = to;
        _endpoint = endpoint;

        // Without any policy the edge is named all the same: a missing reference is then reported.
        With(p => p);
    }

    /// <summary>Changes anything about the edge.</summary>
    public MeshEdgeBuilder With(Func<EdgePolicies, EdgePolicies> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _mesh.Resource.Annotations.Add(new MeshEdgeAnnotation(_from, _to, _endpoint, change));
        return this;
    }

    /// <summary>Changes retries, starting from the defaults.</summary>
    public MeshEdgeBuilder WithRetry(Func<RetryPolicy, RetryPolicy> change) => With(p => p with { Retry = change(p.Retry ?? MeshDefaults.Retry) });

    /// <summary>Sets how many retries follow the first attempt, 0 to 10.</summary>
    public MeshEdgeBuilder WithRetry(int maxRetries) => WithRetry(r => r with { MaxRetries = maxRetries });

    /// <summary>Sends each request once.</summary>
    public MeshEdgeBuilder WithoutRetry() => WithRetry(0);

    /// <summary>Changes time limits, starting from the defaults; on an edge of opaque TCP from those of opaque TCP, where only the time to connect and the idle time count.</summary>
    public MeshEdgeBuilder WithTimeout(Func<TimeoutPolicy, TimeoutPolicy> change) => With(p => p with { Timeouts = change(p.Timeouts ?? MeshDefaults.Timeouts) });

    /// <summary>Sets the time from a request's arrival to the response's headers, all attempts included; zero for none.</summary>
    public MeshEdgeBuilder WithTimeout(TimeSpan request) => WithTimeout(t => t with { Request = request });

    /// <summary>Hedges idempotent calls.</summary>
    public MeshEdgeBuilder WithHedging(Func<HedgingPolicy, HedgingPolicy>? change = null) => With(p => p with { Hedging = Changed(p.Hedging ?? new(), change) });

    /// <summary>Changes how a destination is chosen.</summary>
    public MeshEdgeBuilder WithLoadBalancing(Func<LoadBalancingPolicy, LoadBalancingPolicy> change) => With(p => p with { LoadBalancing = change(p.LoadBalancing ?? MeshDefaults.LoadBalancing) });

    /// <summary>Sets the algorithm by which a destination is chosen.</summary>
    public MeshEdgeBuilder WithLoadBalancing(LoadBalancingAlgorithm algorithm) => WithLoadBalancing(l => l with { Algorithm = algorithm });

    /// <summary>Probes destinations.</summary>
    public MeshEdgeBuilder WithHealthCheck(Func<HealthCheckPolicy, HealthCheckPolicy>? change = null) => With(p => p with { HealthCheck = Changed(p.HealthCheck ?? new(), change) });

    /// <summary>Changes when bad destinations are ejected.</summary>
    public MeshEdgeBuilder WithOutlierDetection(Func<OutlierDetectionPolicy, OutlierDetectionPolicy> change) => With(p => p with { OutlierDetection = change(p.OutlierDetection ?? MeshDefaults.OutlierDetection) });

    /// <summary>Adds a circuit breaker per destination.</summary>
    public MeshEdgeBuilder WithCircuitBreaker(Func<CircuitBreakerPolicy, CircuitBreakerPolicy>? change = null) => With(p => p with { CircuitBreaker = Changed(p.CircuitBreaker ?? new(), change) });

    /// <summary>Caps connections, running and waiting requests.</summary>
    public MeshEdgeBuilder WithLimits(Func<ConcurrencyPolicy, ConcurrencyPolicy> change) => With(p => p with { Limits = change(p.Limits ?? new()) });

    /// <summary>Sends copies of requests to another workload; their answers are thrown away.</summary>
    /// <param name="to">The workload that gets them.</param>
    /// <param name="percent">Share of requests, 0 to 100.</param>
    /// <param name="endpoint">Its endpoint. Default <c>http</c>.</param>
    public MeshEdgeBuilder WithMirror(IResourceBuilder<IResource> to, double percent = 100, string endpoint = "http")
    {
        ArgumentNullException.ThrowIfNull(to);
        return With(p => p with { Mirror = new MirrorPolicy { Workload = to.Resource.Name, Endpoint = endpoint, Percent = percent } });
    }

    /// <summary>Adds a route; routes are tried in the order they are added, and the first match wins.</summary>
    public MeshEdgeBuilder WithRoute(RoutePolicy route)
    {
        ArgumentNullException.ThrowIfNull(route);
        return With(p => p with { Routes = p.Routes.Add(route) });
    }

    /// <summary>Adds a route for a path prefix.</summary>
    /// <param name="name">Unique on the edge; shows in metrics.</param>
    /// <param name="pathPrefix">Whole segments: <c>/a</c> matches <c>/a</c> and <c>/a/b</c>.</param>
    /// <param name="change">What happens to the requests that match.</param>
    public MeshEdgeBuilder WithRoute(string name, string pathPrefix, Func<RoutePolicy, RoutePolicy>? change = null) =>
        WithRoute(Changed(new RoutePolicy { Name = name, Matches = [new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, pathPrefix) }] }, change));

    /// <summary>Sends shares of the edge's requests to other workloads.</summary>
    /// <param name="legs">Workloads and weights, in proportion to their sum.</param>
    public MeshEdgeBuilder WithTrafficSplit(params (IResourceBuilder<IResource> Workload, int Weight)[] legs) =>
        WithTrafficSplit([.. legs.Select(l => new TrafficSplitLeg { Workload = l.Workload.Resource.Name, Weight = l.Weight })]);

    /// <summary>Sends shares of the edge's requests to workloads, endpoints or subsets.</summary>
    public MeshEdgeBuilder WithTrafficSplit(ImmutableArray<TrafficSplitLeg> legs) =>
        With(p => p with { Routes = [.. p.Routes.Where(r => r.Name != MeshRoutes.Split), new RoutePolicy { Name = MeshRoutes.Split, Split = legs }] });

    /// <summary>
    /// Leads TLS connections of an edge that carries opaque TCP by the server name they ask for, without ending the TLS. With one such route, connections that match
    /// none are closed.
    /// </summary>
    /// <param name="name">Unique on the edge; shows in metrics.</param>
    /// <param name="serverNames"><c>shop.test</c>, <c>*.shop.test</c>, or <c>*</c> for everything.</param>
    /// <param name="legs">Where to; none for the edge's own endpoint.</param>
    public MeshEdgeBuilder WithTlsRoute(string name, ImmutableArray<string> serverNames, params ImmutableArray<TrafficSplitLeg> legs) =>
        With(p => p with { TlsRoutes = p.TlsRoutes.Add(new TlsRoute { Name = name, ServerNames = serverNames, Split = legs }) });

    private static T Changed<T>(T policy, Func<T, T>? change) => change is null ? policy : change(policy);
}

/// <summary>Names of routes that the builder makes.</summary>
internal static class MeshRoutes
{
    /// <summary>The route of <see cref="MeshEdgeBuilder.WithTrafficSplit(ImmutableArray{TrafficSplitLeg})"/>.</summary>
    public const string Split = "split";
}
