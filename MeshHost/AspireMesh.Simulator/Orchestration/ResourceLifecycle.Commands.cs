using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.Orchestration;

internal sealed partial class ResourceLifecycle
{
    private static readonly string[] Stopped = [KnownResourceStates.Exited, KnownResourceStates.Finished, KnownResourceStates.FailedToStart, KnownResourceStates.NotStarted, KnownResourceStates.RuntimeUnhealthy];

    /// <summary>Gives a resource the commands start, stop and restart, unless it has its own by that name.</summary>
    public void AddCommands(ResourceRun run)
    {
        Add(run, KnownResourceCommands.StartCommand, "Start", "Play",
            state => Stopped.Contains(state) ? ResourceCommandState.Enabled : state == KnownResourceStates.Starting ? ResourceCommandState.Disabled : ResourceCommandState.Hidden,
            (instance, cancellationToken) => StartAgainAsync(run, instance, cancellationToken));
        Add(run, KnownResourceCommands.StopCommand, "Stop", "Stop",
            state => state == KnownResourceStates.Stopping ? ResourceCommandState.Disabled : state is null || Stopped.Contains(state) ? ResourceCommandState.Hidden : ResourceCommandState.Enabled,
            (instance, _) => StopAsync(run, instance));
        Add(run, KnownResourceCommands.RestartCommand, "Restart", "ArrowCounterclockwise",
            state => state == KnownResourceStates.Running ? ResourceCommandState.Enabled : state is null || Stopped.Contains(state) ? ResourceCommandState.Hidden : ResourceCommandState.Disabled,
            async (instance, cancellationToken) =>
            {
                await StopAsync(run, instance).ConfigureAwait(false);
                await StartAgainAsync(run, instance, cancellationToken).ConfigureAwait(false);
            });
    }

    private static void Add(ResourceRun run, string name, string displayName, string icon, Func<string?, ResourceCommandState> state, Func<InstanceRun, CancellationToken, Task> execute)
    {
        if (run.Resource.Annotations.OfType<ResourceCommandAnnotation>().Any(c => c.Name == name))
        {
            return;
        }

        run.Resource.Annotations.Add(new ResourceCommandAnnotation(
            name,
            displayName,
            context => state(context.ResourceSnapshot.State?.Text),
            async context =>
            {
                var instance = run.Instances.FirstOrDefault(i => i.Instance.InstanceId == context.ResourceName);
                if (instance is null)
                {
                    return CommandResults.Failure($"'{context.ResourceName}' is no process of '{run.Resource.Name}'. Its processes: {string.Join(", ", run.Instances.Select(i => i.Instance.InstanceId))}.");
                }

                await execute(instance, context.CancellationToken).ConfigureAwait(false);
                var shouldRun = name != KnownResourceCommands.StopCommand;
                return instance.IsRunning == shouldRun ? CommandResults.Success() : CommandResults.Failure($"'{context.ResourceName}' {(shouldRun ? "did not start: see its log" : "still runs")}.");
            },
            null, null, null, icon, IconVariant.Filled, name != KnownResourceCommands.RestartCommand));
    }
}
