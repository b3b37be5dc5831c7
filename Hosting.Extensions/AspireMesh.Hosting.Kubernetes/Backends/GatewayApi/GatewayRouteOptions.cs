namespace AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;

/// <summary>What an implementation of Gateway API takes of routes.</summary>
/// <param name="Mirror">Whether RequestMirror filters are taken.</param>
/// <param name="Paths">Whether URLRewrite, and paths in redirects, are taken.</param>
/// <param name="Cors">Whether the CORS filter (GEP-1767, standard since 1.5) is taken.</param>
/// <param name="Timeouts">Whether <c>timeouts</c> of rules are read.</param>
/// <param name="Tls">Whether TLSRoute (v1, standard since 1.5) is taken, also under a Service.</param>
internal sealed record GatewayRouteOptions(bool Mirror, bool Paths, bool Cors, bool Timeouts, bool Tls)
{
    /// <summary>The standard channel of 1.5.</summary>
    public static GatewayRouteOptions Standard { get; } = new(Mirror: true, Paths: true, Cors: true, Timeouts: true, Tls: true);

    /// <summary>A waypoint of Istio's, which ends what comes to it and so reads no server name.</summary>
    public static GatewayRouteOptions Waypoint { get; } = Standard with { Tls = false };

    /// <summary>
    /// Linkerd (policy-controller/k8s/index/src/outbound): a filter that it does not know takes the whole route out of force, and its limits are annotations of the route.
    /// </summary>
    public static GatewayRouteOptions Linkerd { get; } = new(Mirror: false, Paths: false, Cors: false, Timeouts: false, Tls: false);
}
