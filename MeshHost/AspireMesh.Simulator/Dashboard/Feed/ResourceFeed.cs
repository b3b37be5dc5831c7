using System.Threading.Channels;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Protocol;
using Resource = AspireMesh.Simulator.Dashboard.Protocol.Resource;

namespace AspireMesh.Simulator.Dashboard.Feed;

/// <summary>
/// The latest state of every resource instance, as the dashboard's messages, and a stream of changes for each page that watches.
/// A slow reader never holds others up: what it has not read yet waits for it in a queue.
/// </summary>
internal sealed class ResourceFeed(ResourceNotificationService notifications, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceEvent> _latest = [];
    private readonly HashSet<ChannelWriter<Resource>> _readers = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly DateTime _started = time.GetUtcNow().UtcDateTime;
    private Task? _following;

    /// <summary>Starts to follow the notifications; a second call does nothing.</summary>
    internal void Start()
    {
        lock (_lock)
        {
            _following ??= Task.Run(FollowAsync);
        }
    }

    /// <summary>Ends every stream of changes.</summary>
    internal void Stop()
    {
        _stopping.Cancel();
        lock (_lock)
        {
            foreach (var reader in _readers)
            {
                reader.TryComplete();
            }

            _readers.Clear();
        }
    }

    /// <summary>The state now and every change after it; nothing is missed in between.</summary>
    internal Subscription Subscribe()
    {
        var channel = Channel.CreateUnbounded<Resource>();
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
            {
                channel.Writer.TryComplete();
            }
            else
            {
                _readers.Add(channel.Writer);
            }

            return new Subscription([.. _latest.Values.Select(Describe)], channel.Reader, () => Remove(channel.Writer));
        }
    }

    public void Dispose()
    {
        Stop();
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            await foreach (var change in notifications.WatchAsync(_stopping.Token).ConfigureAwait(false))
            {
                Publish(change);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private void Publish(ResourceEvent change)
    {
        lock (_lock)
        {
            _latest[change.ResourceId] = change;
            var message = Describe(change);
            foreach (var reader in _readers)
            {
                reader.TryWrite(message);
            }
        }
    }

    private Resource Describe(ResourceEvent state) => ResourceMessage.From(state, ParentIds.Find(state), _started);

    private void Remove(ChannelWriter<Resource> reader)
    {
        lock (_lock)
        {
            _readers.Remove(reader);
            reader.TryComplete();
        }
    }

    /// <summary>One reader of the feed; disposed when it goes.</summary>
    internal sealed class Subscription(IReadOnlyList<Resource> initial, ChannelReader<Resource> changes, Action remove) : IDisposable
    {
        internal IReadOnlyList<Resource> Initial { get; } = initial;

        internal ChannelReader<Resource> Changes { get; } = changes;

        public void Dispose() => remove();
    }
}
