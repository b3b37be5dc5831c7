namespace AspireMesh.Hosting.Kubernetes.Backends.GatewayApi;

/// <summary>What an implementation of Gateway API takes of routes.</summary>
/// <param name="Retries">Whether <c>retry</c> (GEP-1731, experimental channel) is written.</param>
/// <param name="Mirror">Whether RequestMirror filters are taken.</param>
/// <param name="PathRewriteAndRedirect">Whether URLRewrite paths and redirect paths are taken.</param>
/// <param name="Cors">Whether the CORS filter (GEP-1767, experimental channel) is written.</param>
internal sealed record GatewayRouteOptions(bool Retries, bool Mirror, bool PathRewriteAndRedirect, bool Cors)
{
    /// <summary>The standard channel of v1.</summary>
    public static GatewayRouteOptions Standard { get; } = new(Retries: false, Mirror: true, PathRewriteAndRedirect: true, Cors: false);

    /// <summary>Linkerd 2.18 by its conformance report; it has retries as annotations of its own.</summary>
    public static GatewayRouteOptions Linkerd { get; } = new(Retries: false, Mirror: false, PathRewriteAndRedirect: false, Cors: false);
}
