namespace Aspire.Hosting.ApplicationModel;

/// <summary>A resource's connection string as a value.</summary>
public class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IExpressionValue, IValueWithReferences
{
    /// <summary>Whose connection string it is.</summary>
    public IResourceWithConnectionString Resource { get; } = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary>Whether a missing connection string is left out; otherwise it is an error.</summary>
    public bool Optional { get; } = optional;

    string IManifestExpressionProvider.ValueExpression => Resource.ValueExpression;

    IEnumerable<object> IValueWithReferences.References => [Resource];

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => ((IValueProvider)this).GetValueAsync(new ValueProviderContext(), cancellationToken);

    async ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        var value = await Resource.GetValueAsync(context, cancellationToken).ConfigureAwait(false);
        return string.IsNullOrEmpty(value) && !Optional
            ? throw new DistributedApplicationException($"The connection string of the resource '{Resource.Name}' is not available. Set ConnectionStrings:{Resource.Name}.")
            : value;
    }
}

/// <summary>A URL on the host, as processes and containers both can reach it.</summary>
/// <param name="Url">The URL as the host's processes write it.</param>
public record HostUrl(string Url) : IExpressionValue
{
    string IManifestExpressionProvider.ValueExpression => Url;

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => new(Url);

    ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        if (context.EffectiveNetwork != KnownNetworkIdentifiers.DefaultAspireContainerNetwork || !Uri.TryCreate(Url, UriKind.Absolute, out var uri) || !uri.IsLoopback)
        {
            return new(Url);
        }

        return new(new UriBuilder(uri) { Host = KnownHostNames.DockerDesktopHostBridge }.Uri.ToString().TrimEnd('/'));
    }
}
