using System.Globalization;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Watching;

/// <summary>What a watch asks the API server.</summary>
/// <param name="Resource">The resource's plural name, for messages.</param>
/// <param name="ListAsync">All objects, and the version they were read at.</param>
/// <param name="Watch">The changes after a version; the action takes errors that come inside the stream.</param>
internal sealed record WatchCalls<T>(
    string Resource,
    Func<CancellationToken, Task<(IList<T> Items, string Version)>> ListAsync,
    Func<string, Action<Exception>, CancellationToken, IAsyncEnumerable<(WatchEventType Type, T Object)>> Watch);

/// <summary>
/// Knows the objects of one kind as they are. Lists once, then follows the changes. A watch that ends goes on at the version it had reached; one whose version
/// the server has forgotten (410 Gone) lists anew; any other failure pauses and lists anew. Through all of it what was known last stays known: an API server
/// that is away empties nothing.
/// </summary>
internal sealed partial class ResourceWatch<T>(WatchCalls<T> calls, Action<IReadOnlyCollection<T>> changed, Pauses pauses, TimeProvider time, ILogger logger)
    where T : IKubernetesObject<V1ObjectMeta>
{
    /// <summary>A connection that died without a word is noticed after this long; servers end watches sooner than that by themselves.</summary>
    private static readonly TimeSpan LongestWatch = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, T> _objects = new(StringComparer.Ordinal);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        string? version = null;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                version ??= await ListAsync(cancellationToken);
                var (reached, progressed) = await FollowAsync(version, cancellationToken);
                version = reached;
                if (progressed) continue;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (ApiFailure.IsGone(e))
            {
                LogGone(logger, calls.Resource);
                version = null;
                continue;
            }
            catch (Exception e) when (ApiFailure.Is(e))
            {
                LogFailed(logger, calls.Resource, ApiFailure.Explain(e, "list, watch", calls.Resource));
                version = null;
            }
            await Task.Delay(pauses.Next(), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var (items, version) = await calls.ListAsync(cancellationToken);
        _objects.Clear();
        foreach (var item in items) _objects[item.Metadata.Name] = item;
        changed(_objects.Values);
        return version;
    }

    private async Task<(string Version, bool Progressed)> FollowAsync(string version, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestWatch, time);
        using var failed = new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token, failed.Token);
        Exception? inside = null;
        void Fail(Exception e)
        {
            inside ??= e;
            failed.Cancel();
        }
        var progressed = false;
        try
        {
            await foreach (var (type, item) in calls.Watch(version, Fail, ending.Token).WithCancellation(ending.Token))
            {
                progressed = true;
                pauses.Reset();
                version = Later(version, item.Metadata.ResourceVersion);
                if (type is WatchEventType.Added or WatchEventType.Modified) _objects[item.Metadata.Name] = item;
                else if (type is not WatchEventType.Deleted || !_objects.Remove(item.Metadata.Name)) continue;
                changed(_objects.Values);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            progressed |= limit.IsCancellationRequested;
        }
        return inside is null ? (version, progressed) : throw inside;
    }

    // Versions are opaque by contract; only a missing one is left out.
    private static string Later(string before, string? next) => string.IsNullOrEmpty(next) ? before : next.ToString(CultureInfo.InvariantCulture);

    [LoggerMessage(40, LogLevel.Information, "The API server has forgotten where the watch of {Resource} was (410 Gone); it is listed anew.")]
    private static partial void LogGone(ILogger logger, string resource);

    [LoggerMessage(41, LogLevel.Warning, "Watching {Resource} failed: {Reason}. What was known last stays in force; it is tried again.")]
    private static partial void LogFailed(ILogger logger, string resource, string reason);
}
