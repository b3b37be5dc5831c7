using System.Globalization;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Running;
using AspireMesh.Protocol.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireMesh.Chaos.Processes;

/// <summary>The addresses and processes of an application under test.</summary>
internal sealed class AppSurroundings(DistributedApplication app) : ISurroundings
{
    private const string PidProperty = "executable.pid";
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan RestartPatience = TimeSpan.FromSeconds(60);
    private readonly ResourceNotificationService _notifications = app.Services.GetRequiredService<ResourceNotificationService>();
    private readonly ResourceCommandService _commands = app.Services.GetRequiredService<ResourceCommandService>();

    public Uri Locate(string resource, string? endpoint)
    {
        if (Find(resource) is not IResourceWithEndpoints found) throw Bad($"The resource '{resource}' has no endpoints. Name one that has.");
        string[] names = endpoint is null ? ["https", "http"] : [endpoint];
        var reference = names.Select(found.GetEndpoint).FirstOrDefault(e => e.Exists)
            ?? throw Bad($"The resource '{resource}' has no endpoint '{endpoint ?? "http"}'. It has: {string.Join(", ", found.GetEndpoints().Select(e => e.EndpointName))}.");
        return new Uri(reference.Url);
    }

    public async Task<Func<Task>> ActAsync(ProcessDocument step, CancellationToken cancellationToken)
    {
        if (MachinePressure.StartAsync(step) is { } pressure) return await pressure.ConfigureAwait(false);
        var instances = await InstancesAsync(step, cancellationToken).ConfigureAwait(false);
        switch (step.Action)
        {
            case ProcessAction.Pause:
                var trees = instances.Select(Tree).ToArray();
                foreach (var tree in trees) await tree.PauseAsync().ConfigureAwait(false);
                return () => Task.WhenAll(trees.Select(t => t.ContinueAsync()));
            case ProcessAction.Kill:
                foreach (var instance in instances) await KillAsync(instance, cancellationToken).ConfigureAwait(false);
                return () => Task.WhenAll(instances.Select(StartAsync));
            default:
                foreach (var instance in instances) await CommandAsync(instance, KnownResourceCommands.RestartCommand).ConfigureAwait(false);
                return () => Task.WhenAll(instances.Select(RunningAsync));
        }
    }

    private async Task<string[]> InstancesAsync(ProcessDocument step, CancellationToken cancellationToken)
    {
        var all = await KnownInstancesAsync(Find(step.Resource!), cancellationToken).ConfigureAwait(false);
        if (step.Instance is not { } index) return all;
        return index >= 0 && index < all.Length ? [all[index]] : throw Bad($"The resource '{step.Resource}' has {all.Length} instances, and the step is about number {index}. Write one from 0 to {all.Length - 1}.");
    }

    // Whoever watches is told first of everything that is there; no list can be asked for.
    private async Task<string[]> KnownInstancesAsync(IResource resource, CancellationToken cancellationToken)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var states = _notifications.WatchAsync(watching.Token).GetAsyncEnumerator(watching.Token);
        try
        {
            while (true)
            {
                var next = states.MoveNextAsync().AsTask();
                if (await Task.WhenAny(next, Task.Delay(Quiet, TimeProvider.System, cancellationToken)).ConfigureAwait(false) != next)
                {
                    await watching.CancelAsync().ConfigureAwait(false);
                    await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return [.. found];
                }
                if (!await next.ConfigureAwait(false)) return [.. found];
                if (states.Current.Resource == resource) found.Add(states.Current.ResourceId);
            }
        }
        finally
        {
            await states.DisposeAsync().ConfigureAwait(false);
        }
    }

    private ProcessTree Tree(string instance)
    {
        if (_notifications.TryGetCurrentState(instance, out var state) && state.Snapshot.Properties.FirstOrDefault(p => p.Name == PidProperty)?.Value is { } pid
            && int.TryParse(Convert.ToString(pid, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out var number) && number > 0)
        {
            return new ProcessTree(number);
        }
        throw Bad($"'{instance}' has no process of its own that is known: a container, or a sidecar inside the AppHost. Use restart, or a resource that is a process.");
    }

    private async Task KillAsync(string instance, CancellationToken cancellationToken)
    {
        Tree(instance).Kill();
        await _notifications.WaitForResourceAsync(NameOf(instance), e => e.ResourceId != instance || KnownResourceStates.TerminalStates.Contains(e.Snapshot.State?.Text), cancellationToken).ConfigureAwait(false);
    }

    private async Task StartAsync(string instance)
    {
        await CommandAsync(instance, KnownResourceCommands.StartCommand).ConfigureAwait(false);
        await RunningAsync(instance).ConfigureAwait(false);
    }

    private async Task CommandAsync(string instance, string command)
    {
        var result = await _commands.ExecuteCommandAsync(instance, command).ConfigureAwait(false);
        if (!result.Success) throw Bad($"'{instance}' could not {command}: {result.Message}. Start it by hand.");
    }

    private async Task RunningAsync(string instance)
    {
        using var patience = new CancellationTokenSource(RestartPatience);
        try
        {
            await _notifications.WaitForResourceAsync(
                NameOf(instance), e => e.ResourceId == instance && e.Snapshot.State?.Text == KnownResourceStates.Running && e.Snapshot.HealthStatus is null or HealthStatus.Healthy, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = _notifications.TryGetCurrentState(instance, out var state);
            throw Bad($"'{instance}' was started again and is not healthy after {RestartPatience.TotalSeconds:0} s: {state?.Snapshot.State?.Text}, {state?.Snapshot.HealthStatus} ({string.Join("; ", state?.Snapshot.HealthReports.Select(r => $"{r.Name}: {r.Status} {r.Description}") ?? [])}). Look at its log.");
        }
    }

    private string NameOf(string instance) => _notifications.TryGetCurrentState(instance, out var state) ? state.Resource.Name : instance;

    private IResource Find(string resource)
    {
        var all = app.Services.GetRequiredService<DistributedApplicationModel>().Resources;
        return all.FirstOrDefault(r => string.Equals(r.Name, resource, StringComparison.OrdinalIgnoreCase))
            ?? throw Bad($"The resource '{resource}' is not in the application. There are: {string.Join(", ", all.Select(r => r.Name).Order(StringComparer.Ordinal).Take(20))}.");
    }

    private static MeshValidationException Bad(string message) => new([MeshDiagnostics.BadExperiment.Found(message)]);
}
