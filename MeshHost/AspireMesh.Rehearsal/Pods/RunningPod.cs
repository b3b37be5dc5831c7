using AspireMesh.Rehearsal.Reading;
using k8s.Models;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>
/// One pod: its init containers one after the other, each to its end, those that restart always (sidecars) until they have started; then its containers. A
/// container that ends is started again after a pause, as the kubelet does. Ready when every readiness probe passes.
/// </summary>
internal sealed class RunningPod(PodPlan plan, PodVolumes volumes, Func<V1Container, ContainerStart?> start, IPodSite site, Action<string> log, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly List<Task> _running = [];
    private readonly Lock _gate = new();
    private readonly List<ContainerProcess> _processes = [];

    public PodPlan Plan => plan;

    /// <summary>Whether it takes traffic.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Runs until cancelled; then its containers have ended, sidecars last.</summary>
    public async Task RunAsync(Action changed, CancellationToken cancellationToken)
    {
        using var sidecars = new CancellationTokenSource();
        try
        {
            await VolumesAsync(cancellationToken);
            // From the start: a sidecar may wait for what the control plane writes later.
            _running.Add(FollowAsync(cancellationToken));
            foreach (var init in plan.Spec.InitContainers ?? [])
            {
                if (init.RestartPolicy == "Always")
                {
                    _running.Add(KeepAsync(init, sidecars.Token));
                    await StartedAsync(init, cancellationToken);
                }
                else
                {
                    await FinishAsync(init, cancellationToken);
                }
            }
            Task[] apps = [.. plan.Spec.Containers.Select(c => KeepAsync(c, cancellationToken))];
            await Task.WhenAll([ReadinessAsync(changed, cancellationToken), .. apps]);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            log("stops");
        }
        finally
        {
            IsReady = false;
            await sidecars.CancelAsync();
            await Task.WhenAll(_running);
            volumes.Revoke();
        }
    }

    private async Task VolumesAsync(CancellationToken cancellationToken)
    {
        string? said = null;
        while (volumes.Write() is { } missing)
        {
            if (missing != said) log($"waits for {missing}");
            said = missing;
            await Task.Delay(Look, time, cancellationToken);
        }
    }

    // ConfigMaps that change are written anew, as the kubelet does after a while.
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            volumes.Write();
        }
    }

    private async Task FinishAsync(V1Container init, CancellationToken cancellationToken)
    {
        var pause = Look;
        while (start(init) is { } wanted)
        {
            var code = await RunOnceAsync(init, wanted, cancellationToken);
            if (code == 0) return;
            log($"{init.Name} ended with {code}; it is started again");
            await Task.Delay(pause, time, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task KeepAsync(V1Container container, CancellationToken cancellationToken)
    {
        var pause = Look;
        while (!cancellationToken.IsCancellationRequested && start(container) is { } wanted)
        {
            var code = await RunOnceAsync(container, wanted, cancellationToken);
            if (cancellationToken.IsCancellationRequested) return;
            log($"{container.Name} ended with {code}; it is started again");
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task<int> RunOnceAsync(V1Container container, ContainerStart wanted, CancellationToken cancellationToken)
    {
        var process = site.Start(wanted, line => log($"{container.Name}: {line}"));
        lock (_gate) _processes.Add(process);
        try
        {
            return await process.Exited.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await process.StopAsync(TimeSpan.FromSeconds(plan.Spec.TerminationGracePeriodSeconds ?? 30), time);
            return await process.Exited;
        }
        finally
        {
            lock (_gate) _processes.Remove(process);
            process.Dispose();
        }
    }

    private async Task StartedAsync(V1Container sidecar, CancellationToken cancellationToken)
    {
        if (sidecar.StartupProbe is not { } probe) return;
        while (!await Probe.PassesAsync(plan, probe, time, cancellationToken)) await Task.Delay(Look, time, cancellationToken);
    }

    private async Task ReadinessAsync(Action changed, CancellationToken cancellationToken)
    {
        V1Probe[] probes = [.. plan.Spec.Containers.Concat((plan.Spec.InitContainers ?? []).Where(c => c.RestartPolicy == "Always")).Select(c => c.ReadinessProbe ?? c.StartupProbe).OfType<V1Probe>()];
        while (!cancellationToken.IsCancellationRequested)
        {
            var ready = true;
            foreach (var probe in probes) ready = ready && await Probe.PassesAsync(plan, probe, time, cancellationToken);
            if (ready != IsReady)
            {
                IsReady = ready;
                log(ready ? "is ready" : "is not ready any more");
                changed();
            }
            await Task.Delay(IsReady ? Look * 5 : Look, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
