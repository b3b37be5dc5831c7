using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>Adds parameters and connection strings.</summary>
public static class ParameterResourceBuilderExtensions
{
    /// <summary>A value from the configuration key <c>Parameters:name</c>.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, bool secret = false) =>
        builder.AddResource(Create(builder, name, secret, null)).WithParameterState();

    /// <summary>A value known here.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, string value, bool publishValueAsDefault = false, bool secret = false) =>
        builder.AddParameter(name, () => value, publishValueAsDefault, secret);

    /// <summary>A value found here. A secret cannot be published as default.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, Func<string> valueGetter, bool publishValueAsDefault = false, bool secret = false) =>
        publishValueAsDefault && secret
            ? throw new ArgumentException($"The parameter '{name}' cannot be both secret and published as a default value.", nameof(secret))
            : builder.AddResource(new ParameterResource(name, _ => valueGetter(), secret) { Default = publishValueAsDefault ? new ConstantParameterDefault(valueGetter) : null }).WithParameterState();

    /// <summary>A value made here, unless configured.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, ParameterDefault value, bool secret = false, bool persist = false) =>
        builder.AddResource(Create(builder, name, secret, value)).WithParameterState();

    /// <summary>A value from another configuration key.</summary>
    public static IResourceBuilder<ParameterResource> AddParameterFromConfiguration(this IDistributedApplicationBuilder builder, [ResourceName] string name, string configurationKey, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, _ => Configured(builder, name, configurationKey, null), secret)).WithParameterState();

    /// <summary>What the parameter is for.</summary>
    public static IResourceBuilder<ParameterResource> WithDescription(this IResourceBuilder<ParameterResource> builder, string description, bool enableMarkdown = false)
    {
        builder.Resource.Description = description;
        builder.Resource.EnableDescriptionMarkdown = enableMarkdown;
        return builder;
    }

    /// <summary>A connection string from the configuration key <c>ConnectionStrings:name</c>.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name, string? environmentVariableName = null)
    {
        var resource = new ConfiguredConnectionStringResource(name, _ => Configured(builder, name, $"ConnectionStrings:{name}", null), environmentVariableName);
        return builder.AddResource(resource).WithParameterState();
    }

    /// <summary>A random password, unless <c>Parameters:name</c> is configured.</summary>
    public static ParameterResource CreateDefaultPasswordParameter(IDistributedApplicationBuilder builder, string name, bool lower = true, bool upper = true, bool numeric = true, bool special = true, int minLower = 0, int minUpper = 0, int minNumeric = 0, int minSpecial = 0) =>
        CreateGeneratedParameter(builder, name, secret: true, new GenerateParameterDefault
        {
            MinLength = 22, Lower = lower, Upper = upper, Numeric = numeric, Special = special, MinLower = minLower, MinUpper = minUpper, MinNumeric = minNumeric, MinSpecial = minSpecial,
        });

    /// <summary>A random value, unless configured; not added to the application.</summary>
    public static ParameterResource CreateGeneratedParameter(IDistributedApplicationBuilder builder, string name, bool secret, GenerateParameterDefault parameterDefault) =>
        Create(builder, name, secret, parameterDefault);

    /// <summary>A configured value; not added to the application.</summary>
    public static ParameterResource CreateParameter(IDistributedApplicationBuilder builder, string name, bool secret) => Create(builder, name, secret, null);

    private static ParameterResource Create(IDistributedApplicationBuilder builder, string name, bool secret, ParameterDefault? byDefault) =>
        new(name, d => Configured(builder, name, $"Parameters:{name}", d), secret) { Default = byDefault };

    private static string Configured(IDistributedApplicationBuilder builder, string name, string key, ParameterDefault? byDefault) =>
        builder.Configuration[key]
        ?? byDefault?.GetDefaultValue()
        ?? throw new MissingParameterValueException($"The parameter '{name}' has no value. Set it: dotnet user-secrets set \"{key}\" VALUE, or start with --{key}=VALUE.");

    private static IResourceBuilder<T> WithParameterState<T>(this IResourceBuilder<T> builder) where T : ParameterResource => builder.WithInitialState(new CustomResourceSnapshot
    {
        ResourceType = builder.Resource.IsConnectionString ? "ConnectionString" : "Parameter",
        Properties = [new ResourcePropertySnapshot("parameter.secret", builder.Resource.Secret.ToString())],
    });
}

/// <summary>Adds connection strings made of other values.</summary>
public static class ConnectionStringBuilderExtensions
{
    /// <summary>A connection string from an expression.</summary>
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name, ReferenceExpression connectionStringExpression) =>
        builder.AddResource(new ConnectionStringResource(name, connectionStringExpression))
            .WithReferenceRelationship(connectionStringExpression)
            .WithInitialState(new CustomResourceSnapshot { ResourceType = "ConnectionString", Properties = [] });

    /// <summary>A connection string built piece by piece.</summary>
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(this IDistributedApplicationBuilder builder, [ResourceName] string name, Action<ReferenceExpressionBuilder> connectionStringBuilder)
    {
        var expression = new ReferenceExpressionBuilder();
        connectionStringBuilder(expression);
        return builder.AddConnectionString(name, expression.Build());
    }
}

/// <summary>Adds services that run elsewhere.</summary>
public static class ExternalServiceBuilderExtensions
{
    /// <summary>A service at a URL, which ends with '/'.</summary>
    public static IResourceBuilder<ExternalServiceResource> AddExternalService(this IDistributedApplicationBuilder builder, [ResourceName] string name, string url) =>
        Add(builder, new ExternalServiceResource(name, ExternalServiceResource.Parse(url, name)));

    /// <summary>A service at a URL, which ends with '/'.</summary>
    public static IResourceBuilder<ExternalServiceResource> AddExternalService(this IDistributedApplicationBuilder builder, [ResourceName] string name, Uri uri) =>
        Add(builder, new ExternalServiceResource(name, uri));

    /// <summary>A service at a URL given as a parameter.</summary>
    public static IResourceBuilder<ExternalServiceResource> AddExternalService(this IDistributedApplicationBuilder builder, [ResourceName] string name, IResourceBuilder<ParameterResource> urlParameter) =>
        Add(builder, new ExternalServiceResource(name, urlParameter.Resource));

    /// <summary>Checks the service by a GET.</summary>
    public static IResourceBuilder<ExternalServiceResource> WithHttpHealthCheck(this IResourceBuilder<ExternalServiceResource> builder, string? path = null, int? statusCode = null)
    {
        var service = builder.Resource;
        var expected = statusCode ?? 200;
        return builder.AddHttpCheck($"{service.Name}_external_{path ?? "/"}_{expected}_check", expected, async cancellationToken =>
        {
            var root = service.Uri ?? ExternalServiceResource.Parse(await service.UrlParameter!.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? "", service.Name);
            return new Uri(root, path ?? "/");
        });
    }

    private static IResourceBuilder<ExternalServiceResource> Add(IDistributedApplicationBuilder builder, ExternalServiceResource resource) =>
        builder.AddResource(resource).ExcludeFromManifest().WithInitialState(new CustomResourceSnapshot
        {
            ResourceType = "ExternalService",
            Properties = resource.Uri is { } uri ? [new ResourcePropertySnapshot(CustomResourceKnownProperties.Source, uri.ToString())] : [],
        });
}
