using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Pipelines;
using AspireMesh.Simulator.Orchestration;
using AspireMesh.Simulator.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Describes an application that runs in the simulator.</summary>
public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly DistributedApplicationEventing _eventing = new();
    private readonly DistributedApplicationExecutionContextOptions _executionContextOptions;
    private readonly HostApplicationBuilder _host;
    private readonly AppHostInterception? _interception;
    private readonly DistributedApplicationPipeline _pipeline = new();

    /// <summary>With that command line.</summary>
    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args })
    {
    }

    /// <summary>With those options.</summary>
    public DistributedApplicationBuilder(DistributedApplicationOptions options) : this(options, _ => { })
    {
    }

    internal DistributedApplicationBuilder(DistributedApplicationOptions options, Action<HostApplicationBuilderSettings> configure)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        _interception = AppHostInterception.Current;
        AppHostAssembly = _interception?.AppHostAssembly ?? (options.AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly());
        var settings = AppHostSettings.Read(options, AppHostAssembly);
        _interception?.BuilderCreating(options, settings.Host);
        configure(settings.Host);
        settings.ApplyCommandLine(options);
        AppHostDirectory = settings.AppHostDirectory;
        AppHostPath = settings.AppHostPath;
        _host = Host.CreateApplicationBuilder(settings.Host);
        settings.Complete(_host.Configuration);
        _executionContextOptions = settings.ExecutionContextOptions(_host.Configuration);
        ExecutionContext = new DistributedApplicationExecutionContext(_executionContextOptions);
        SimulatorServices.Add(this, _eventing, _pipeline);
        _interception?.BuilderCreated(this);
    }

    /// <inheritdoc/>
    public ConfigurationManager Configuration => _host.Configuration;

    /// <inheritdoc/>
    public string AppHostDirectory { get; }

    /// <summary>The AppHost's project file, without its extension.</summary>
    public string AppHostPath { get; }

    /// <inheritdoc/>
    public Assembly? AppHostAssembly { get; }

    /// <inheritdoc/>
    public IHostEnvironment Environment => _host.Environment;

    /// <inheritdoc/>
    public IServiceCollection Services => _host.Services;

    /// <inheritdoc/>
    public IDistributedApplicationEventing Eventing => _eventing;

    /// <inheritdoc/>
    public DistributedApplicationExecutionContext ExecutionContext { get; }

    /// <inheritdoc/>
    public IDistributedApplicationPipeline Pipeline => _pipeline;

    /// <inheritdoc/>
    public IResourceCollection Resources { get; } = new ResourceCollection();

    internal DistributedApplicationOptions Options { get; }

    internal HostApplicationBuilder HostBuilder => _host;

    /// <inheritdoc/>
    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        ValidateName(resource);
        if (Resources.TryGetByName(resource.Name, out var existing))
        {
            throw new DistributedApplicationException(
                $"Cannot add resource of type '{resource.GetType()}' with name '{resource.Name}' because resource of type '{existing.GetType()}' with that name already exists. Resource names are case-insensitive.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    /// <inheritdoc/>
    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    /// <inheritdoc/>
    public DistributedApplication Build()
    {
        if (_interception is not null)
        {
            return _interception.Build(this, BuildNow);
        }

        return BuildNow();
    }

    internal DistributedApplication BuildNow()
    {
        foreach (var resource in Resources)
        {
            ValidateName(resource);
        }

        var host = _host.Build();
        _executionContextOptions.Services = host.Services;
        return new DistributedApplication(host) { IsStartedElsewhere = _interception is not null };
    }

    private static void ValidateName(IResource resource)
    {
        var policy = resource.TryGetLastAnnotation<NameValidationPolicyAnnotation>(out var relaxed) ? relaxed : NameValidationPolicyAnnotation.Default;
        ModelName.Validate("Resource", resource.Name, policy);
    }
}
