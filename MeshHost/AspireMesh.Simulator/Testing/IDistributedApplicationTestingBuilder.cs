using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Pipelines;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing
{
    /// <summary>Describes an application in a test.</summary>
    public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
    {
        /// <summary>Builds the application.</summary>
        Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
    }
}

namespace AspireMesh.Simulator.Testing
{
    using Aspire.Hosting;

    /// <summary>Passes everything on to the builder it stands for.</summary>
    internal abstract class TestingBuilder(DistributedApplicationBuilder inner) : IDistributedApplicationTestingBuilder
    {
        public ConfigurationManager Configuration => inner.Configuration;

        public string AppHostDirectory => inner.AppHostDirectory;

        public Assembly? AppHostAssembly => inner.AppHostAssembly;

        public IHostEnvironment Environment => inner.Environment;

        public IServiceCollection Services => inner.Services;

        public IDistributedApplicationEventing Eventing => inner.Eventing;

        public DistributedApplicationExecutionContext ExecutionContext => inner.ExecutionContext;

        public IDistributedApplicationPipeline Pipeline => inner.Pipeline;

        public IResourceCollection Resources => inner.Resources;

        protected DistributedApplicationBuilder Inner => inner;

        protected DistributedApplication? Application { get; set; }

        public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource => inner.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => inner.CreateResourceBuilder(resource);

        public DistributedApplication Build() => BuildAsync().GetAwaiter().GetResult();

        public abstract Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);

        public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

        public virtual async ValueTask DisposeAsync()
        {
            if (Application is not null)
            {
                await Application.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>An application the test describes itself.</summary>
    internal sealed class OwnTestingBuilder(DistributedApplicationBuilder inner) : TestingBuilder(inner)
    {
        public override Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default)
        {
            Application = Inner.Build();
            return Task.FromResult(Application);
        }
    }

    /// <summary>An application its AppHost describes; the AppHost's code goes on after <c>Build()</c> and waits for the end in <c>Run()</c>.</summary>
    internal sealed class InterceptedTestingBuilder(AppHostInterception interception) : TestingBuilder(interception.Builder!)
    {
        public override async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) =>
            Application = await interception.BuildAsync(cancellationToken).ConfigureAwait(false);

        public override ValueTask DisposeAsync()
        {
            interception.Abandon();
            return base.DisposeAsync();
        }
    }
}
