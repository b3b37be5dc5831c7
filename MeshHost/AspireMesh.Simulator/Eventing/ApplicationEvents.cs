using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>The model is complete and can still be changed; nothing has started.</summary>
    public class BeforeStartEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        /// <summary>The application's services.</summary>
        public IServiceProvider Services { get; } = services;

        /// <summary>The model.</summary>
        public DistributedApplicationModel Model { get; } = model;
    }

    /// <summary>Every resource was created, after all waits.</summary>
    public class AfterResourcesCreatedEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        /// <summary>The application's services.</summary>
        public IServiceProvider Services { get; } = services;

        /// <summary>The model.</summary>
        public DistributedApplicationModel Model { get; } = model;
    }
}

namespace Aspire.Hosting.Publishing
{
    /// <summary>Publishing is about to write.</summary>
    public sealed class BeforePublishEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        /// <summary>The application's services.</summary>
        public IServiceProvider Services { get; } = services;

        /// <summary>The model.</summary>
        public DistributedApplicationModel Model { get; } = model;
    }

    /// <summary>Publishing has written.</summary>
    public sealed class AfterPublishEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        /// <summary>The application's services.</summary>
        public IServiceProvider Services { get; } = services;

        /// <summary>The model.</summary>
        public DistributedApplicationModel Model { get; } = model;
    }
}
