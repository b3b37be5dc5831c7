using System.Reflection;
using Aspire.Hosting;
using Microsoft.Extensions.Hosting;

namespace AspireMesh.Simulator.Testing;

/// <summary>Lets a test run an AppHost's own entry point and take over at <c>Build()</c>.</summary>
internal sealed class AppHostInterception(Assembly appHostAssembly, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
{
    private static readonly AsyncLocal<AppHostInterception?> CurrentInterception = new();
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _described = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayBuild = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static AppHostInterception? Current
    {
        get => CurrentInterception.Value;
        set => CurrentInterception.Value = value;
    }

    public Assembly AppHostAssembly => appHostAssembly;

    /// <summary>Completes when the entry point calls <c>Build()</c>.</summary>
    public Task<DistributedApplicationBuilder> Described => _described.Task;

    public void BuilderCreating(DistributedApplicationOptions options, HostApplicationBuilderSettings settings) => configure(options, settings);

    public void BuilderCreated(DistributedApplicationBuilder builder) => Builder ??= builder;

    public DistributedApplicationBuilder? Builder { get; private set; }

    /// <summary>Called by the entry point's <c>Build()</c>: waits until the test wants the application.</summary>
    public DistributedApplication Build(DistributedApplicationBuilder builder, Func<DistributedApplication> build)
    {
        _described.TrySetResult(builder);
        _mayBuild.Task.GetAwaiter().GetResult();
        try
        {
            var application = build();
            _application.TrySetResult(application);
            return application;
        }
        catch (Exception exception)
        {
            _application.TrySetException(exception);
            throw;
        }
    }

    /// <summary>Lets the entry point build, and gives what it built.</summary>
    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult();
        return _application.Task.WaitAsync(cancellationToken);
    }

    /// <summary>The entry point ended before it built anything.</summary>
    public void Fail(Exception exception)
    {
        _described.TrySetException(exception);
        _application.TrySetException(exception);
    }

    /// <summary>The test does not want the application any more.</summary>
    public void Abandon() => _mayBuild.TrySetException(new OperationCanceledException("The test disposed of the AppHost before building it."));
}
