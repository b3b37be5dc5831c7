using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Gives the URLs of another resource's endpoints, for service discovery and by name.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        return ReferenceEndpoints(builder, source.Resource, endpointName: null, name: null, network: null);
    }

    /// <summary>Gives the URLs of another resource's endpoints under another name.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source, string name)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return ReferenceEndpoints(builder, source.Resource, endpointName: null, name, network: null);
    }

    /// <summary>Gives one endpoint's URL.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(endpointReference);
        return ReferenceEndpoints(builder, endpointReference.Resource, endpointReference.EndpointName, name: null, endpointReference.ContextNetworkID);
    }

    /// <summary>Gives a connection string and its parts.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        var resource = source.Resource;
        var name = connectionName ?? resource.Name;
        if (resource.TryGetLastAnnotation<ConnectionStringRedirectAnnotation>(out var redirect))
        {
            resource = redirect.Resource;
        }

        builder.WithReferenceRelationship(resource);
        return builder.WithEnvironment(context =>
        {
            var flags = InjectionFlags(builder.Resource);
            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ConnectionString))
            {
                context.EnvironmentVariables[resource.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{name}"] = new ConnectionStringReference(resource, optional);
            }

            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ConnectionProperties))
            {
                var prefix = name.Length == 0 ? "" : EncodeVariable(name).ToUpperInvariant() + "_";
                foreach (var (property, value) in Properties(resource))
                {
                    context.EnvironmentVariables[prefix + EncodeVariable(property).ToUpperInvariant()] = value;
                }
            }
        });
    }

    /// <summary>Gives an external service's URL.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<ExternalServiceResource> externalService)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(externalService);
        var service = externalService.Resource;
        builder.WithReferenceRelationship(service);
        return builder.WithEnvironment(async context =>
        {
            var variables = context.EnvironmentVariables;
            var name = EncodeVariable(service.Name).ToUpperInvariant();
            if (service.Uri is { } uri)
            {
                variables[$"services__{service.Name}__{uri.Scheme}__0"] = uri.ToString();
                variables[name] = uri.ToString();
                return;
            }

            var scheme = "default";
            if (context.ExecutionContext.IsRunMode)
            {
                var value = await service.UrlParameter!.GetValueAsync(context.CancellationToken).ConfigureAwait(false);
                scheme = ExternalServiceResource.Parse(value ?? "", service.Name).Scheme;
            }

            variables[$"services__{service.Name}__{scheme}__0"] = service.UrlParameter!;
            variables[$"{name}_{scheme.ToUpperInvariant()}"] = service.UrlParameter!;
        });
    }

    /// <summary>Gives a URL under a name of its own.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, string name, Uri uri)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri || uri.AbsolutePath != "/")
        {
            throw new InvalidOperationException($"The URL '{uri}' referenced as '{name}' has to be absolute and without a path.");
        }

        return builder.WithEnvironment(context =>
        {
            context.EnvironmentVariables[$"services__{name}__default__0"] = uri.ToString();
            context.EnvironmentVariables[name] = uri.ToString();
        });
    }

    /// <summary>Chooses the variables this resource's references set.</summary>
    public static IResourceBuilder<TDestination> WithReferenceEnvironment<TDestination>(this IResourceBuilder<TDestination> builder, ReferenceEnvironmentInjectionFlags flags)
        where TDestination : IResourceWithEnvironment =>
        builder.WithAnnotation(new ReferenceEnvironmentInjectionAnnotation(flags), ResourceAnnotationMutationBehavior.Replace);

    /// <summary>Takes the connection string from another resource.</summary>
    public static IResourceBuilder<T> WithConnectionStringRedirection<T>(this IResourceBuilder<T> builder, IResourceWithConnectionString resource) where T : IResourceWithConnectionString =>
        builder.WithAnnotation(new ConnectionStringRedirectAnnotation(resource), ResourceAnnotationMutationBehavior.Replace);

    /// <summary>Adds or replaces a part of the connection string.</summary>
    public static IResourceBuilder<T> WithConnectionProperty<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value) where T : IResourceWithConnectionString =>
        builder.WithAnnotation(new ConnectionPropertyAnnotation(name, value));

    /// <summary>Adds or replaces a part of the connection string.</summary>
    public static IResourceBuilder<T> WithConnectionProperty<T>(this IResourceBuilder<T> builder, string name, string value) where T : IResourceWithConnectionString =>
        builder.WithConnectionProperty(name, ReferenceExpression.Create($"{value}"));

    /// <summary>A part of the connection string. Throws where there is none by that name.</summary>
    public static ReferenceExpression GetConnectionProperty(this IResourceWithConnectionString resource, string key) =>
        Properties(resource).TryGetValue(key, out var value) ? value : ReferenceExpression.Empty;

    private static Dictionary<string, ReferenceExpression> Properties(IResourceWithConnectionString resource)
    {
        var properties = new Dictionary<string, ReferenceExpression>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in resource.GetConnectionProperties())
        {
            properties[name] = value;
        }

        foreach (var added in resource.Annotations.OfType<ConnectionPropertyAnnotation>())
        {
            properties[added.Name] = added.Value;
        }

        return properties;
    }

    private static IResourceBuilder<T> ReferenceEndpoints<T>(IResourceBuilder<T> builder, IResourceWithEndpoints source, string? endpointName, string? name, NetworkIdentifier? network)
        where T : IResourceWithEnvironment
    {
        var reference = builder.Resource.Annotations.OfType<EndpointReferenceAnnotation>().SingleOrDefault(a => a.Resource == source);
        if (reference is null)
        {
            reference = new EndpointReferenceAnnotation(source)
            {
                ContextNetworkId = network ?? (builder.Resource.IsContainer() ? KnownNetworkIdentifiers.DefaultAspireContainerNetwork : KnownNetworkIdentifiers.LocalhostNetwork),
            };
            builder.WithAnnotation(reference);
            builder.WithEnvironment(context => AddDiscoveryVariables(context, reference, name));
        }

        if (endpointName is null)
        {
            reference.UseAllEndpoints = true;
        }
        else
        {
            reference.EndpointNames.Add(endpointName);
        }

        return builder.WithReferenceRelationship(source);
    }

    private static void AddDiscoveryVariables(EnvironmentCallbackContext context, EndpointReferenceAnnotation reference, string? name)
    {
        var flags = InjectionFlags(context.Resource);
        var serviceName = name ?? reference.Resource.Name;
        var prefix = name is null ? EncodeVariable(serviceName).ToUpperInvariant() : EncodeVariable(serviceName);
        foreach (var endpoint in reference.Resource.GetEndpoints(reference.ContextNetworkId))
        {
            var isNamed = reference.EndpointNames.Contains(endpoint.EndpointName);
            if (!isNamed && (!reference.UseAllEndpoints || endpoint.ExcludeReferenceEndpoint))
            {
                continue;
            }

            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.Endpoints))
            {
                context.EnvironmentVariables[$"{prefix}_{EncodeVariable(endpoint.EndpointName).ToUpperInvariant()}"] = endpoint;
            }

            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ServiceDiscovery))
            {
                var key = $"services__{serviceName}__{(endpoint.IsHttpSchemeNamedEndpoint ? endpoint.Scheme : endpoint.EndpointName)}__";
                var i = 0;
                while (context.EnvironmentVariables.ContainsKey($"{key}{i}"))
                {
                    i++;
                }

                context.EnvironmentVariables[$"{key}{i}"] = endpoint;
            }
        }
    }

    private static ReferenceEnvironmentInjectionFlags InjectionFlags(IResource resource) =>
        resource.TryGetLastAnnotation<ReferenceEnvironmentInjectionAnnotation>(out var annotation) ? annotation.Flags : ReferenceEnvironmentInjectionFlags.All;

    private static string EncodeVariable(string name)
    {
        var encoded = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return encoded.Length > 0 && char.IsAsciiDigit(encoded[0]) ? "_" + encoded : encoded;
    }
}
