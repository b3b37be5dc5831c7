using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Eventing;

/// <summary>Keeps handlers by event type and calls them.</summary>
public class DistributedApplicationEventing : IDistributedApplicationEventing
{
    private readonly Lock _gate = new();
    private ImmutableDictionary<Type, ImmutableList<DistributedApplicationEventSubscription>> _subscriptions =
        ImmutableDictionary<Type, ImmutableList<DistributedApplicationEventSubscription>>.Empty;

    internal ILogger? Logger { get; set; }

    /// <inheritdoc/>
    public DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationEvent =>
        Add<T>(new DistributedApplicationEventSubscription((@event, cancellationToken) => callback((T)@event, cancellationToken)));

    /// <inheritdoc/>
    public DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationResourceEvent
    {
        ArgumentNullException.ThrowIfNull(resource);
        return Add<T>(new DistributedApplicationResourceEventSubscription(resource, (@event, cancellationToken) =>
            ReferenceEquals(@event.Resource, resource) ? callback((T)@event, cancellationToken) : Task.CompletedTask));
    }

    /// <inheritdoc/>
    public void Unsubscribe(DistributedApplicationEventSubscription subscription)
    {
        lock (_gate)
        {
            foreach (var (type, list) in _subscriptions)
            {
                _subscriptions = _subscriptions.SetItem(type, list.Remove(subscription));
            }
        }
    }

    /// <inheritdoc/>
    public Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent =>
        PublishAsync(@event, EventDispatchBehavior.BlockingSequential, cancellationToken);

    /// <inheritdoc/>
    public async Task PublishAsync<T>(T @event, EventDispatchBehavior dispatchBehavior, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent
    {
        RequireConcrete(typeof(T));

        // The list is read once: a handler subscribed while the event runs misses it.
        if (!_subscriptions.TryGetValue(typeof(T), out var handlers) || handlers.IsEmpty)
        {
            return;
        }

        switch (dispatchBehavior)
        {
            case EventDispatchBehavior.BlockingSequential:
                await OneByOneAsync().ConfigureAwait(false);
                break;
            case EventDispatchBehavior.BlockingConcurrent:
                await AllAtOnceAsync().ConfigureAwait(false);
                break;
            case EventDispatchBehavior.NonBlockingSequential:
                _ = ObserveAsync(Task.Run(OneByOneAsync, CancellationToken.None), typeof(T).Name);
                break;
            default:
                _ = ObserveAsync(Task.Run(AllAtOnceAsync, CancellationToken.None), typeof(T).Name);
                break;
        }

        async Task OneByOneAsync()
        {
            foreach (var handler in handlers)
            {
                await handler.Callback(@event, cancellationToken).ConfigureAwait(false);
            }
        }

        Task AllAtOnceAsync() => Task.WhenAll(handlers.Select(handler => handler.Callback(@event, cancellationToken)));
    }

    private async Task ObserveAsync(Task task, string eventName)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Logger?.LogDebug("A handler of {Event} was cancelled.", eventName);
        }
        catch (Exception exception)
        {
            Logger?.LogError(exception, "A handler of {Event} failed.", eventName);
        }
    }

    private DistributedApplicationEventSubscription Add<T>(DistributedApplicationEventSubscription subscription)
    {
        RequireConcrete(typeof(T));
        lock (_gate)
        {
            var list = _subscriptions.TryGetValue(typeof(T), out var existing) ? existing : [];
            _subscriptions = _subscriptions.SetItem(typeof(T), list.Add(subscription));
        }

        return subscription;
    }

    private static void RequireConcrete(Type type)
    {
        if (type.IsAbstract || type.IsInterface)
        {
            throw new InvalidOperationException($"'{type}' cannot be subscribed to or published: events are found by their exact type.");
        }
    }
}
