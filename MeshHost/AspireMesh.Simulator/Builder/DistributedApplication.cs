using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Orchestration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>An application that can be started.</summary>
public class DistributedApplication(IHost host) : IHost, IAsyncDisposable
{
    private readonly IHost _host = host ?? throw new ArgumentNullException(nameof(host));
    private bool _isDisposed;
    private bool _isStarted;

    /// <summary>The AppHost's services.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>The resources' states.</summary>
    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();

    /// <summary>The resources' commands.</summary>
    public ResourceCommandService ResourceCommands => Services.GetRequiredService<ResourceCommandService>();

    /// <summary>A test starts it, not the AppHost's own code.</summary>
    internal bool IsStartedElsewhere { get; init; }

    /// <summary>Describes an application without a command line.</summary>
    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);

    /// <summary>Describes an application.</summary>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new DistributedApplicationBuilder(args);

    /// <summary>Describes an application.</summary>
    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options) => new DistributedApplicationBuilder(options);

    /// <summary>Starts everything; returns when every resource was created, so after all waits.</summary>
    public virtual async Task StartAsync(CancellationToken cancellationToken = default)
    {
        _isStarted = true;
        await Services.GetRequiredService<ApplicationStart>().BeforeStartAsync(cancellationToken).ConfigureAwait(false);
        await _host.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends everything.</summary>
    public virtual Task StopAsync(CancellationToken cancellationToken = default)
    {
        _isStarted = false;
        return _host.StopAsync(cancellationToken);
    }

    /// <summary>Starts everything and waits for Ctrl+C or the end of publishing.</summary>
    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(() => ended.TrySetResult());
        if (IsStartedElsewhere)
        {
            await ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await StartAsync(cancellationToken).ConfigureAwait(false);
            await _host.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
            _isStarted = false;
        }
        catch (OperationCanceledException) when (Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested)
        {
            // Ctrl+C during the start: what has started is ended below.
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Starts everything and waits for Ctrl+C or the end of publishing.</summary>
    public void Run() => RunAsync().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (_isStarted)
        {
            // A test may dispose of a running application, and Ctrl+C may come during the start: the host alone would not end what runs.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), Services.GetRequiredService<TimeProvider>());
            await StopAsync(limit.Token).ConfigureAwait(false);
        }

        if (_host is IAsyncDisposable host)
        {
            await host.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            _host.Dispose();
        }
    }
}
