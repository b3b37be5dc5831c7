using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Follows the application: plans and applies before it starts, then tells the control plane what becomes known.</summary>
internal sealed class MeshEventingSubscriber(MeshRuntime runtime) : IDistributedApplicationEventingSubscriber
{
    /// <inheritdoc/>
    public Task SubscribeAsync(IDistributedApplicationEventing eventing, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
    {
        eventing.Subscribe<BeforeStartEvent>((e, token) => runtime.BeforeStartAsync(e.Model, executionContext, token));
        eventing.Subscribe<InitializeResourceEvent>((e, token) => runtime.InitializeAsync(e.Resource, token));
        eventing.Subscribe<ResourceEndpointsAllocatedEvent>((e, _) =>
        {
            runtime.EndpointsAllocated(e.Resource);
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }
}
