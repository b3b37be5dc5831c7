using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Testing;

/// <summary>Reaches the resources of a running application.</summary>
public static class DistributedApplicationHostingTestingExtensions
{
    /// <summary>A client for a resource's endpoint; https is preferred.</summary>
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        // The certificate of a project's https endpoint is the AppHost's own and not trusted by the system.
        var handler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (sender, _, _, errors) => errors == System.Net.Security.SslPolicyErrors.None || sender is System.Net.Security.SslStream { TargetHostName: "localhost" or "127.0.0.1" } },
        };
        return new HttpClient(handler) { BaseAddress = app.GetEndpoint(resourceName, endpointName) };
    }

    /// <summary>The URL of a resource's endpoint; https is preferred, then http.</summary>
    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null) => app.GetEndpointForNetwork(resourceName, null, endpointName);

    /// <summary>The URL of a resource's endpoint, seen from a network.</summary>
    public static Uri GetEndpointForNetwork(this DistributedApplication app, string resourceName, NetworkIdentifier? networkIdentifier, string? endpointName = null)
    {
        if (Find(app, resourceName) is not IResourceWithEndpoints resource)
        {
            throw new InvalidOperationException($"Resource '{resourceName}' has no allocated endpoints.");
        }

        var network = networkIdentifier ?? KnownNetworkIdentifiers.LocalhostNetwork;
        var names = endpointName is null ? (string[])["https", "http"] : [endpointName];
        var endpoint = names.Select(name => resource.GetEndpoint(name, network)).FirstOrDefault(e => e.Exists)
            ?? throw new ArgumentException($"Endpoint '{endpointName ?? "https or http"}' for resource '{resourceName}' not found. Its endpoints: {string.Join(", ", resource.GetEndpoints().Select(e => e.EndpointName))}.", nameof(endpointName));
        return new Uri(endpoint.Url);
    }

    /// <summary>A resource's connection string.</summary>
    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        Find(app, resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"Resource '{resourceName}' does not expose a connection string.", nameof(resourceName));

    private static IResource Find(DistributedApplication app, string resourceName) =>
        app.Services.GetRequiredService<DistributedApplicationModel>().Resources.TryGetByName(resourceName, out var resource)
            ? resource
            : throw new ArgumentException($"Resource '{resourceName}' not found.", nameof(resourceName));
}
