using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Eventing;

/// <summary>Something that happened to the application.</summary>
public interface IDistributedApplicationEvent;

/// <summary>Something that happened to a resource.</summary>
public interface IDistributedApplicationResourceEvent : IDistributedApplicationEvent
{
    /// <summary>The resource.</summary>
    IResource Resource { get; }

    /// <summary>The application's services.</summary>
    IServiceProvider Services => throw new InvalidOperationException($"The event {GetType().Name} carries no services.");

    /// <summary>The resource's log.</summary>
    ILogger Logger => Services.GetRequiredService<ResourceLoggerService>().GetLogger(Resource);
}

/// <summary>How an event's handlers are run.</summary>
public enum EventDispatchBehavior
{
    /// <summary>One after the other; the publisher waits.</summary>
    BlockingSequential,

    /// <summary>All at once; the publisher waits.</summary>
    BlockingConcurrent,

    /// <summary>One after the other; the publisher goes on.</summary>
    NonBlockingSequential,

    /// <summary>All at once; the publisher goes on.</summary>
    NonBlockingConcurrent,
}

/// <summary>The application's events.</summary>
public interface IDistributedApplicationEventing
{
    /// <summary>Calls <paramref name="callback"/> at every event of exactly that type.</summary>
    DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationEvent;

    /// <summary>Calls <paramref name="callback"/> at the events of <paramref name="resource"/> of exactly that type.</summary>
    DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationResourceEvent;

    /// <summary>Ends a subscription.</summary>
    void Unsubscribe(DistributedApplicationEventSubscription subscription);

    /// <summary>Runs the handlers one after the other and waits for them.</summary>
    Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent;

    /// <summary>Runs the handlers.</summary>
    Task PublishAsync<T>(T @event, EventDispatchBehavior dispatchBehavior, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent;
}

/// <summary>A handler that was subscribed.</summary>
public class DistributedApplicationEventSubscription(Func<IDistributedApplicationEvent, CancellationToken, Task> callback)
{
    /// <summary>The handler.</summary>
    public Func<IDistributedApplicationEvent, CancellationToken, Task> Callback { get; } = callback;
}

/// <summary>A handler that was subscribed for one resource.</summary>
public class DistributedApplicationResourceEventSubscription(IResource? resource, Func<IDistributedApplicationResourceEvent, CancellationToken, Task> callback)
    : DistributedApplicationEventSubscription((@event, cancellationToken) => callback((IDistributedApplicationResourceEvent)@event, cancellationToken))
{
    /// <summary>The resource.</summary>
    public IResource? Resource { get; } = resource;
}
