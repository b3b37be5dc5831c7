using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>A registered health check speaks for the resource.</summary>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key) where T : IResource
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (builder.Resource.Annotations.OfType<HealthCheckAnnotation>().Any(a => a.Key == key))
        {
            throw new DistributedApplicationException($"Resource '{builder.Resource.Name}' already has a health check with key '{key}'.");
        }

        return builder.WithAnnotation(new HealthCheckAnnotation(key));
    }

    /// <summary>A GET of <paramref name="path"/> (default /) with <paramref name="statusCode"/> (default 200) means healthy. The endpoint has to exist.</summary>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, [EndpointName] string? endpointName = null) where T : IResourceWithEndpoints =>
        AddEndpointCheck(builder, Pick(builder.Resource, endpointName), path, statusCode);

    /// <summary>A GET of <paramref name="path"/> (default /) with <paramref name="statusCode"/> (default 200) means healthy.</summary>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, Func<EndpointReference>? endpointSelector, string? path = null, int? statusCode = null) where T : IResourceWithEndpoints =>
        AddEndpointCheck(builder, endpointSelector?.Invoke() ?? Pick(builder.Resource, null), path, statusCode);

    internal static IResourceBuilder<T> AddHttpCheck<T>(this IResourceBuilder<T> builder, string key, int statusCode, Func<CancellationToken, ValueTask<Uri>> url) where T : IResource
    {
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => new HttpGetHealthCheck(url, statusCode), HealthStatus.Unhealthy, tags: null, timeout: TimeSpan.FromSeconds(5)));
        return builder.WithHealthCheck(key);
    }

    private static IResourceBuilder<T> AddEndpointCheck<T>(IResourceBuilder<T> builder, EndpointReference endpoint, string? path, int? statusCode) where T : IResourceWithEndpoints
    {
        if (!endpoint.Exists)
        {
            throw new DistributedApplicationException($"Could not create HTTP health check for resource '{builder.Resource.Name}' as no endpoint named '{endpoint.EndpointName}' was found.");
        }

        if (endpoint.Scheme is not ("http" or "https"))
        {
            throw new DistributedApplicationException($"Could not create HTTP health check for resource '{builder.Resource.Name}' as the endpoint named '{endpoint.EndpointName}' has the scheme '{endpoint.Scheme}'.");
        }

        var expected = statusCode ?? 200;
        var target = path ?? "/";
        return builder.AddHttpCheck($"{builder.Resource.Name}_{endpoint.EndpointName}_{target}_{expected}_check", expected, async cancellationToken =>
            new Uri(new Uri((await endpoint.GetValueAsync(cancellationToken).ConfigureAwait(false))!), target));
    }

    private static EndpointReference Pick(IResourceWithEndpoints resource, string? endpointName)
    {
        var name = endpointName ?? (Find(resource, "https") is not null ? "https" : "http");
        return resource.GetEndpoint(name);
    }

    private sealed class HttpGetHealthCheck(Func<CancellationToken, ValueTask<Uri>> url, int statusCode) : IHealthCheck
    {
        // A check carries nothing secret, and a developer's certificate is often not trusted: whatever certificate the loopback shows is taken.
        private static readonly HttpClient Client = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            SslOptions = { RemoteCertificateValidationCallback = (sender, _, _, errors) => errors == System.Net.Security.SslPolicyErrors.None || sender is System.Net.Security.SslStream { TargetHostName: "localhost" or "127.0.0.1" } },
        });

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var target = await url(cancellationToken).ConfigureAwait(false);
            try
            {
                using var response = await Client.GetAsync(target, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
                return (int)response.StatusCode == statusCode
                    ? HealthCheckResult.Healthy()
                    : HealthCheckResult.Unhealthy($"{target} answered {(int)response.StatusCode}, and {statusCode} was expected.");
            }
            catch (HttpRequestException exception)
            {
                return HealthCheckResult.Unhealthy($"{target} did not answer: {exception.Message}", exception);
            }
        }
    }
}
