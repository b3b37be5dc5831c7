using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>The URLs a resource is shown with, once its endpoints have addresses.</summary>
internal static partial class ResourceUrls
{
    public static async Task PublishAsync(IResource resource, ResourceNotificationService notifications, ResourceLoggerService loggers, IServiceProvider services, CancellationToken cancellationToken)
    {
        var urls = new List<ResourceUrlAnnotation>();
        if (resource is IResourceWithEndpoints owner)
        {
            urls.AddRange(owner.GetEndpoints().Where(e => e.IsAllocated).Select(e => new ResourceUrlAnnotation { Url = e.Url, Endpoint = e }));
        }

        urls.AddRange(resource.Annotations.OfType<ResourceUrlAnnotation>());
        var context = new ResourceUrlsCallbackContext(services.GetRequiredService<DistributedApplicationExecutionContext>(), resource, urls, cancellationToken);
        foreach (var callback in resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>())
        {
            try
            {
                await callback.Callback(context).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogFailed(loggers.GetLogger(resource), exception.Message);
            }
        }

        if (urls.Count > 0)
        {
            await notifications.PublishUpdateAsync(resource, s => s with
            {
                Urls = [.. urls.Select(u => new UrlSnapshot(u.Endpoint?.EndpointName, Absolute(u), u.DisplayLocation == UrlDisplayLocation.DetailsOnly)
                {
                    IsInactive = u.Endpoint is not null && s.State?.Text != KnownResourceStates.Running,
                    DisplayProperties = new UrlDisplayPropertiesSnapshot(u.DisplayText ?? "", u.DisplayOrder ?? 0),
                })],
            }).ConfigureAwait(false);
        }
    }

    private static string Absolute(ResourceUrlAnnotation url) =>
        url.Endpoint is { IsAllocated: true } endpoint && !Uri.TryCreate(url.Url, UriKind.Absolute, out var absolute) | (absolute?.IsFile ?? false)
            ? new Uri(new Uri(endpoint.Url), url.Url).ToString()
            : url.Url;

    [LoggerMessage(1, LogLevel.Error, "The URLs could not be made: {Message}")]
    private static partial void LogFailed(ILogger logger, string message);
}
