using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>A connection string made of other values.</summary>
public sealed class ConnectionStringResource(string name, ReferenceExpression connectionStringExpression) : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    /// <inheritdoc/>
    public ReferenceExpression ConnectionStringExpression { get; } = connectionStringExpression ?? throw new ArgumentNullException(nameof(connectionStringExpression));
}

/// <summary>A connection string from configuration.</summary>
internal sealed class ConfiguredConnectionStringResource : ParameterResource, IResourceWithConnectionString
{
    public ConfiguredConnectionStringResource(string name, Func<ParameterDefault?, string> callback, string? environmentVariable) : base(name, callback, secret: true)
    {
        IsConnectionString = true;
        ConnectionStringEnvironmentVariable = environmentVariable;
    }

    public string? ConnectionStringEnvironmentVariable { get; }

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{(ParameterResource)this}");

    // Both bases define these; the parameter's own meaning is the one that counts.
    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetValueAsync(cancellationToken);

    ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken) => GetValueAsync(cancellationToken);

    ValueTask<string?> IResourceWithConnectionString.GetConnectionStringAsync(CancellationToken cancellationToken) => GetValueAsync(cancellationToken);

    IEnumerable<object> IValueWithReferences.References => [];

    string IManifestExpressionProvider.ValueExpression => ValueExpression;
}

/// <summary>A service that runs elsewhere.</summary>
public sealed class ExternalServiceResource : Resource
{
    /// <summary>At a known URL.</summary>
    public ExternalServiceResource(string name, Uri uri) : base(name) => Uri = Check(uri, name);

    /// <summary>At a URL given as a parameter.</summary>
    public ExternalServiceResource(string name, ParameterResource urlParameter) : base(name) => UrlParameter = urlParameter ?? throw new ArgumentNullException(nameof(urlParameter));

    /// <summary>The URL, where it is known.</summary>
    public Uri? Uri { get; }

    /// <summary>The parameter, otherwise.</summary>
    public ParameterResource? UrlParameter { get; }

    internal static Uri Parse(string url, string name) => System.Uri.TryCreate(url, UriKind.Absolute, out var uri)
        ? Check(uri, name)
        : throw new DistributedApplicationException($"The URL of the external service '{name}' is '{url}', which is not an absolute URL such as https://example.com/.");

    private static Uri Check(Uri uri, string name)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return uri.IsAbsoluteUri && uri.AbsolutePath.EndsWith('/') && uri.Query.Length == 0 && uri.Fragment.Length == 0
            ? uri
            : throw new ArgumentException($"The URL of the external service '{name}' is '{uri}': it has to be absolute, and end with '/' without query or fragment.", nameof(uri));
    }
}
