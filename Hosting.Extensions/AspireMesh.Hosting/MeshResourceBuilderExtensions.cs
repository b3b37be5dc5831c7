using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace Aspire.Hosting;

/// <summary>What a resource says about its part in the mesh.</summary>
public static class MeshResourceBuilderExtensions
{
    // In a pod of its own that port is free: docs/kubernetes.md has the list.
    private const string InterceptListen = "127.0.0.1:15001";

    /// <summary>Keeps a resource outside the mesh: it has no sidecar, its references stay as they are, and references to it are not rewritten.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="reason">Why; shown where somebody wonders.</param>
    public static IResourceBuilder<T> WithoutMesh<T>(this IResourceBuilder<T> builder, string reason) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return builder.WithAnnotation(new MeshOptOutAnnotation(reason), ResourceAnnotationMutationBehavior.Replace);
    }

    /// <summary>Takes a resource into the mesh, also one that the mesh would leave out; undoes <see cref="WithoutMesh"/>.</summary>
    public static IResourceBuilder<T> WithMesh<T>(this IResourceBuilder<T> builder) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        foreach (var optOut in builder.Resource.Annotations.OfType<MeshOptOutAnnotation>().ToArray()) builder.Resource.Annotations.Remove(optOut);
        return builder.WithAnnotation(new MeshOptInAnnotation(), ResourceAnnotationMutationBehavior.Replace);
    }

    /// <summary>Changes anything about the resource as a workload.</summary>
    public static IResourceBuilder<T> WithMesh<T>(this IResourceBuilder<T> builder, Func<WorkloadModel, WorkloadModel> change) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(change);
        return builder.WithMesh().WithAnnotation(new MeshWorkloadAnnotation(change));
    }

    /// <summary>Labels the workload, for subsets (<c>version</c>) and locality (<c>zone</c>).</summary>
    public static IResourceBuilder<T> WithMeshLabels<T>(this IResourceBuilder<T> builder, params (string Name, string Value)[] labels) where T : IResource =>
        builder.Change(w => w with { Labels = w.Labels.SetItems(labels.Select(l => KeyValuePair.Create(l.Name, l.Value))) });

    /// <summary>
    /// Changes what is said of single replicas: a weight, a label. Where the host gives all replicas of a resource one sidecar (DCP, and the chart, whose pods are alike)
    /// there is one to change.
    /// </summary>
    /// <param name="builder">The resource.</param>
    /// <param name="change">Is given each replica's sidecar and its number, from 0.</param>
    public static IResourceBuilder<T> WithMeshReplicas<T>(this IResourceBuilder<T> builder, Func<SidecarModel, int, SidecarModel> change) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(change);
        return builder.Change(w => w with { Sidecars = [.. w.Sidecars.Select(change)] });
    }

    /// <summary>Lets a caller in that has no reference here, or narrows one that has to some requests.</summary>
    /// <param name="builder">The callee.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="requests">The requests it may make; none for all.</param>
    public static IResourceBuilder<T> AllowFrom<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> caller, params RouteMatch[] requests) where T : IResource =>
        builder.Rule(AuthorizationAction.Allow, caller, requests);

    /// <summary>Refuses a caller, or some of its requests, whatever else allows it.</summary>
    /// <param name="builder">The callee.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="requests">The requests it may not make; none for all.</param>
    public static IResourceBuilder<T> DenyFrom<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> caller, params RouteMatch[] requests) where T : IResource =>
        builder.Rule(AuthorizationAction.Deny, caller, requests);

    /// <summary>Adds an authorization rule.</summary>
    public static IResourceBuilder<T> WithAuthorization<T>(this IResourceBuilder<T> builder, AuthorizationRule rule) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(rule);
        return builder.Inbound(i => i with { Authorization = i.Authorization.Add(rule) });
    }

    /// <summary>Logs and counts what the rules would refuse, and lets it through.</summary>
    public static IResourceBuilder<T> WithAuthorizationAudit<T>(this IResourceBuilder<T> builder) where T : IResource => builder.Inbound(i => i with { AuditOnly = true });

    /// <summary>Validates tokens of requests.</summary>
    public static IResourceBuilder<T> WithJwt<T>(this IResourceBuilder<T> builder, JwtPolicy policy) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(policy);
        return builder.Inbound(i => i with { Jwt = policy });
    }

    /// <summary>Validates tokens of requests.</summary>
    /// <param name="builder">The callee.</param>
    /// <param name="issuer">The <c>iss</c> that is accepted.</param>
    /// <param name="audience">The <c>aud</c> that is accepted; null for any.</param>
    /// <param name="jwksUri">Where the signing keys are.</param>
    public static IResourceBuilder<T> WithJwt<T>(this IResourceBuilder<T> builder, string issuer, string? audience, string jwksUri) where T : IResource =>
        builder.WithJwt(new JwtPolicy { Issuer = issuer, Audiences = audience is null ? [] : [audience], JwksUri = jwksUri });

    /// <summary>Adds a rate limit at the callee's side.</summary>
    public static IResourceBuilder<T> WithRateLimit<T>(this IResourceBuilder<T> builder, RateLimitPolicy policy) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(policy);
        return builder.Inbound(i => i with { RateLimits = i.RateLimits.Add(policy) });
    }

    /// <summary>Adds a rate limit over all requests, or apart for each caller.</summary>
    public static IResourceBuilder<T> WithRateLimit<T>(this IResourceBuilder<T> builder, double perSecond, int burst = 0, RateLimitKey key = RateLimitKey.None) where T : IResource =>
        builder.Inbound(i => i with { RateLimits = i.RateLimits.Add(new RateLimitPolicy { Name = $"limit-{i.RateLimits.Length + 1}", PerSecond = perSecond, Burst = burst, Key = key }) });

    /// <summary>Refuses early what would only wait.</summary>
    public static IResourceBuilder<T> WithLoadShedding<T>(this IResourceBuilder<T> builder, Func<LoadSheddingPolicy, LoadSheddingPolicy>? change = null) where T : IResource =>
        builder.Inbound(i => i with { LoadShedding = change is null ? new() : change(i.LoadShedding ?? new()) });

    /// <summary>Gives the app the caller's identity in <c>x-forwarded-client-identity</c>.</summary>
    public static IResourceBuilder<T> WithMeshIdentityHeader<T>(this IResourceBuilder<T> builder) where T : IResource => builder.Inbound(i => i with { IdentityHeader = true });

    /// <summary>
    /// Redirects what the app calls by addresses of its own to its sidecar, for an image whose addresses cannot be set: a call to the Service of a referenced resource takes
    /// that reference's policies. In a published chart only, by rules that an init container with the capability NET_ADMIN puts in; on this machine references are
    /// rewritten as always. Calls to anything that is not referenced go where they went, unless the mesh is <c>WithoutUndeclaredEgress()</c>.
    /// </summary>
    public static IResourceBuilder<T> WithTransparentInterception<T>(this IResourceBuilder<T> builder) where T : IResource => builder.Change(w => w with { Intercept = InterceptListen });

    /// <summary>Trusts an external service by roots of its own in place of the system's: a private CA, for example. The sidecar originates TLS towards it and checks name and chain.</summary>
    /// <param name="builder">The external service; its address is an https one.</param>
    /// <param name="pem">The roots, PEM.</param>
    public static IResourceBuilder<ExternalServiceResource> WithTrustedRoots(this IResourceBuilder<ExternalServiceResource> builder, string pem)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(pem);
        return builder.WithAnnotation(new MeshTrustAnnotation(pem), ResourceAnnotationMutationBehavior.Replace);
    }

    private static IResourceBuilder<T> Rule<T>(this IResourceBuilder<T> builder, AuthorizationAction action, IResourceBuilder<IResource> caller, RouteMatch[] requests) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(caller);
        var rule = $"{(action == AuthorizationAction.Allow ? "allow" : "deny")}:{caller.Resource.Name}";
        return builder.Inbound(i => i with
        {
            Authorization = i.Authorization.Add(new AuthorizationRule
            {
                Name = i.Authorization.Any(r => r.Name == rule) ? $"{rule}:{i.Authorization.Length + 1}" : rule,
                Action = action,
                Callers = [caller.Resource.Name],
                Requests = [.. requests],
            }),
        });
    }

    private static IResourceBuilder<T> Inbound<T>(this IResourceBuilder<T> builder, Func<InboundPolicies, InboundPolicies> change) where T : IResource => builder.Change(w => w with { Inbound = change(w.Inbound) });

    private static IResourceBuilder<T> Change<T>(this IResourceBuilder<T> builder, Func<WorkloadModel, WorkloadModel> change) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new MeshWorkloadAnnotation(change));
    }
}
