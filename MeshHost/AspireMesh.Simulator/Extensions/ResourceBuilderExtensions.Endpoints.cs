using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Adds an endpoint, or changes the one with that name where values are given. <paramref name="env"/> names a variable that gets the port to bind.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? scheme = null, [EndpointName] string? name = null, string? env = null, bool? isProxied = null, bool? isExternal = null, ProtocolType? protocol = null)
        where T : IResourceWithEndpoints
    {
        var resource = builder.Resource;
        var endpointName = name ?? scheme ?? (protocol ?? ProtocolType.Tcp).ToString().ToLowerInvariant();
        var endpoint = Find(resource, endpointName);
        if (endpoint is null)
        {
            ModelName.Validate("Endpoint", endpointName, NameValidationPolicyAnnotation.Default);
            endpoint = new EndpointAnnotation(protocol ?? ProtocolType.Tcp, uriScheme: scheme, name: endpointName, port: port, targetPort: targetPort, isExternal: isExternal, isProxied: isProxied);
            builder.WithAnnotation(endpoint);
        }
        else
        {
            Change(endpoint, port, targetPort, scheme, isProxied, isExternal, protocol);
        }

        if (env is not null && resource is IResourceWithEnvironment)
        {
            endpoint.TargetPortVariable = env;
            var targetPortValue = new EndpointReference(resource, endpoint).Property(EndpointProperty.TargetPort);
            builder.WithAnnotation(new EnvironmentCallbackAnnotation(context => context.EnvironmentVariables[env] = targetPortValue));
        }

        return builder;
    }

    /// <summary>Adds an endpoint.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, int? port, int? targetPort, string? scheme, [EndpointName] string? name, string? env, bool isProxied, bool? isExternal, ProtocolType? protocol)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, scheme, name, env, (bool?)isProxied, isExternal, protocol);

    /// <summary>Adds an endpoint.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, int? port, int? targetPort, string? scheme, [EndpointName] string? name, string? env, bool isProxied, bool? isExternal)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, scheme, name, env, (bool?)isProxied, isExternal, protocol: null);

    /// <summary>Adds an endpoint.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, int? port, int? targetPort, string? scheme, [EndpointName] string? name, string? env, bool? isProxied, bool? isExternal)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, scheme, name, env, isProxied, isExternal, protocol: null);

    /// <summary>Changes an endpoint; adds it first unless <paramref name="createIfNotExists"/> is false.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, [EndpointName] string endpointName, Action<EndpointAnnotation> callback, bool createIfNotExists = true)
        where T : IResourceWithEndpoints
    {
        ArgumentNullException.ThrowIfNull(callback);
        var endpoint = Find(builder.Resource, endpointName);
        if (endpoint is null)
        {
            if (!createIfNotExists)
            {
                return builder;
            }

            endpoint = new EndpointAnnotation(ProtocolType.Tcp, name: endpointName);
            callback(endpoint);
            ModelName.Validate("Endpoint", endpoint.Name, NameValidationPolicyAnnotation.Default);
            return builder.WithAnnotation(endpoint);
        }

        callback(endpoint);
        return builder;
    }

    /// <summary>Adds an http endpoint.</summary>
    public static IResourceBuilder<T> WithHttpEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, [EndpointName] string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "http", name, env, isProxied, isExternal: null, protocol: null);

    /// <summary>Adds an http endpoint.</summary>
    public static IResourceBuilder<T> WithHttpEndpoint<T>(this IResourceBuilder<T> builder, int? port, int? targetPort, [EndpointName] string? name, string? env, bool isProxied)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "http", name, env, (bool?)isProxied, isExternal: null, protocol: null);

    /// <summary>Adds an https endpoint.</summary>
    public static IResourceBuilder<T> WithHttpsEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, [EndpointName] string? name = null, string? env = null, bool? isProxied = null)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "https", name, env, isProxied, isExternal: null, protocol: null);

    /// <summary>Adds an https endpoint.</summary>
    public static IResourceBuilder<T> WithHttpsEndpoint<T>(this IResourceBuilder<T> builder, int? port, int? targetPort, [EndpointName] string? name, string? env, bool isProxied)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "https", name, env, (bool?)isProxied, isExternal: null, protocol: null);

    /// <summary>Marks the http and https endpoints there are now as meant for the outside.</summary>
    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder) where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.UriScheme is "http" or "https"))
        {
            endpoint.IsExternal = true;
        }

        return builder;
    }

    /// <summary>Whether endpoints get a forwarder.</summary>
    public static IResourceBuilder<IResourceWithEndpoints> WithEndpointProxySupport(this IResourceBuilder<IResourceWithEndpoints> builder, bool proxyEnabled)
    {
        builder.WithAnnotation(new ProxySupportAnnotation { ProxyEnabled = proxyEnabled }, ResourceAnnotationMutationBehavior.Replace);
        return builder;
    }

    /// <summary>Says, when the application starts, that http and https endpoints speak HTTP/2.</summary>
    public static IResourceBuilder<T> AsHttp2Service<T>(this IResourceBuilder<T> builder) where T : IResourceWithEndpoints
    {
        builder.ApplicationBuilder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.UriScheme is "http" or "https"))
            {
                endpoint.Transport = "http2";
            }

            return Task.CompletedTask;
        });
        return builder;
    }

    /// <summary>The endpoint with that name; it need not exist yet.</summary>
    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, [EndpointName] string name) where T : IResourceWithEndpoints => builder.Resource.GetEndpoint(name);

    /// <summary>The endpoint with that name, seen from a network.</summary>
    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, [EndpointName] string name, NetworkIdentifier contextNetworkId) where T : IResourceWithEndpoints =>
        builder.Resource.GetEndpoint(name, contextNetworkId);

    private static EndpointAnnotation? Find(IResource resource, string name) =>
        resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase));

    private static void Change(EndpointAnnotation endpoint, int? port, int? targetPort, string? scheme, bool? isProxied, bool? isExternal, ProtocolType? protocol)
    {
        endpoint.Port = port ?? endpoint.Port;
        endpoint.TargetPort = targetPort ?? endpoint.TargetPort;
        endpoint.UriScheme = scheme ?? endpoint.UriScheme;
        endpoint.IsExplicitlyProxied = isProxied ?? endpoint.IsExplicitlyProxied;
        endpoint.IsExternal = isExternal ?? endpoint.IsExternal;
        endpoint.Protocol = protocol ?? endpoint.Protocol;
    }
}
