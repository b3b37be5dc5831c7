using System.Collections.Concurrent;
using AspireMesh.Proxy;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>The sidecars that live in this process. Each has its own identity, ports, log and telemetry name.</summary>
internal sealed class SharedSidecars(IServiceProvider services, IMeshControl control, TimeProvider time, CancellationToken stopping)
{
    /// <summary>How long all sidecars together may let requests finish when the application ends.</summary>
    private static readonly TimeSpan LastDrain = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly ResourceNotificationService _notifications = services.GetRequiredService<ResourceNotificationService>();
    private readonly ResourceLoggerService _logs = services.GetRequiredService<ResourceLoggerService>();
    private readonly ConcurrentDictionary<string, Running> _running = new();

    /// <summary>Starts one, and again after a pause when it cannot be started.</summary>
    public void Start(MeshSidecarResource resource) => _running[resource.Instance] = new Running { Loop = RunAsync(resource) };

    /// <summary>Stops all.</summary>
    public async Task StopAsync()
    {
        using var limit = new CancellationTokenSource(LastDrain, time);
        await Task.WhenAll(_running.Values.Select(async running =>
        {
            await running.Loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (running.Sidecar is not { } sidecar) return;
            await sidecar.StopAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await sidecar.DisposeAsync();
        }));
    }

    private async Task RunAsync(MeshSidecarResource resource)
    {
        await Task.Yield();
        var log = _logs.GetLogger(resource);
        while (!stopping.IsCancellationRequested)
        {
            await StateAsync(resource, KnownResourceStates.Starting, KnownResourceStateStyles.Info);
            try
            {
                var sidecar = new MeshSidecar(await control.CreateBootstrapAsync(resource.Instance, stopping), await OptionsAsync(resource, log));
                _running[resource.Instance].Sidecar = sidecar;
                await sidecar.StartAsync(stopping);
                await StateAsync(resource, KnownResourceStates.Running, KnownResourceStateStyles.Success);
                return;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                log.LogError(e, "The sidecar could not be started and is tried again: {Message}", e.Message);
                await StateAsync(resource, KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            if (_running[resource.Instance].Sidecar is { } failed) await failed.DisposeAsync();
            await Task.Delay(RetryPause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task StateAsync(MeshSidecarResource resource, string state, string style) => _notifications.PublishUpdateAsync(resource, s => s with
    {
        State = new ResourceStateSnapshot(state, style),
        StartTimeStamp = state == KnownResourceStates.Running ? time.GetUtcNow().UtcDateTime : s.StartTimeStamp,
    });

    private async Task<MeshSidecarOptions> OptionsAsync(MeshSidecarResource resource, ILogger log)
    {
        var telemetry = await TelemetryAsync(resource);
        return new MeshSidecarOptions
        {
            TimeProvider = time,
            LoggerFactory = new OneLogger(log),
            Seed = resource.Instance.Aggregate(17, (hash, c) => unchecked(hash * 31 + c)),
            ServiceName = resource.Name,
            OtlpEndpoint = telemetry.GetValueOrDefault("OTEL_EXPORTER_OTLP_ENDPOINT"),
            OtlpHeaders = telemetry.GetValueOrDefault("OTEL_EXPORTER_OTLP_HEADERS"),
            OtlpProtocol = telemetry.GetValueOrDefault("OTEL_EXPORTER_OTLP_PROTOCOL"),
            // Development asks for a second instead of the SDK's minute; the variables of this process are not the sidecar's.
            OtlpInterval = int.TryParse(telemetry.GetValueOrDefault("OTEL_METRIC_EXPORT_INTERVAL"), out var milliseconds) ? TimeSpan.FromMilliseconds(milliseconds) : null,
        };
    }

    /// <summary>What a process would be given in its environment; the dashboard's address is waited for.</summary>
    private async Task<Dictionary<string, string>> TelemetryAsync(MeshSidecarResource resource)
    {
        Dictionary<string, object> variables = [];
        var context = new EnvironmentCallbackContext(services.GetRequiredService<DistributedApplicationExecutionContext>(), resource, variables, stopping);
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>()) await callback.Callback(context);
        Dictionary<string, string> resolved = [];
        foreach (var (name, value) in variables)
        {
            var text = value is IValueProvider provider ? await provider.GetValueAsync(stopping) : value.ToString();
            if (text is not null) resolved[name] = text;
        }
        return resolved;
    }

    private sealed class Running
    {
        public required Task Loop { get; init; }

        public MeshSidecar? Sidecar { get; set; }
    }

    /// <summary>Sends everything a sidecar logs to its row.</summary>
    private sealed class OneLogger(ILogger log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("A sidecar's log goes to its resource only.");

        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
