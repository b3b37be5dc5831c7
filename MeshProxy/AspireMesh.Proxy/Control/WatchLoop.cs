using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tls;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Control;

/// <summary>
/// Holds the stream on which snapshots come. When it breaks, the sidecar runs on with what it has and opens a new one after a random, growing time.
/// A stream ends with the SVID it was opened with: by then there is a newer one.
/// </summary>
internal sealed class WatchLoop(
    SidecarBootstrap bootstrap, SnapshotIntake intake, SidecarState state, SvidStore svids, ControlStatus status, Uplink uplink, Func<Svid?, ControlChannel> open,
    ControlPlanePeer peer, TimeProvider time, int seed, ILogger logger)
{
    private static readonly TimeSpan MaxTimer = TimeSpan.FromDays(40);
    private readonly ReconnectDelay _delay = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10), new Random(seed));
    private readonly WakeUp _wake = new(time);

    /// <summary>What is being done with the last message: an answer under way is worth waiting for before the stream is ended.</summary>
    public Task Obeying { get; private set; } = Task.CompletedTask;

    /// <summary>The control plane wants a new SVID in use now.</summary>
    public event Action? RenewAsked;

    /// <summary>The control plane wants the sidecar drained.</summary>
    public event Action<TimeSpan>? DrainAsked;

    /// <summary>There is a newer SVID, so a wait for the control plane may be over.</summary>
    public void SvidReplaced() => _wake.Call();

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await WatchOnceAsync(svids.Current!, cancellationToken);
                await _wake.WaitAsync(_delay.Next(), cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            logger.LogTrace("The watch loop ended.");
        }
    }

    private async Task WatchOnceAsync(Svid svid, CancellationToken cancellationToken)
    {
        var left = svid.Expires - time.GetUtcNow();
        if (left <= TimeSpan.Zero)
        {
            status.Enter(ControlPhase.Expired, $"The SVID of sidecar '{bootstrap.Instance}' ended at {svid.Expires:u}, so the control plane at {bootstrap.ControlPlane} takes no stream from it. Start the sidecar's resource again.");
            return;
        }
        if (state.ControlFault().Away)
        {
            Lost(new ControlFailure(false, "a fault keeps it away"));
            return;
        }
        using var channel = open(svid);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var planned = false;
        using var timer = time.CreateTimer(_ => { planned = true; ending.Cancel(); }, null, left < MaxTimer ? left : MaxTimer, Timeout.InfiniteTimeSpan);
        try
        {
            using var call = channel.Client.Watch(cancellationToken: ending.Token);
            await RunStreamAsync(call, ending);
            Lost(new ControlFailure(false, "it ended the stream"));
        }
        catch (Exception e) when (e is RpcException or IOException or OperationCanceledException or InvalidOperationException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // The end of the SVID's life ends its stream too: that is planned, and no loss.
            if (!planned) Lost(ControlFailure.From(e, peer));
        }
    }

    private async Task RunStreamAsync(AsyncDuplexStreamingCall<SidecarMessage, ControlMessage> call, CancellationTokenSource ending)
    {
        uplink.Begin(Hello());
        var sending = uplink.PumpAsync(call.RequestStream, ending.Token);
        try
        {
            await foreach (var message in call.ResponseStream.ReadAllAsync(ending.Token))
            {
                if (status.Current.Phase != ControlPhase.Connected)
                {
                    status.Enter(ControlPhase.Connected);
                    logger.Connected(bootstrap.Instance, bootstrap.ControlPlane);
                }
                _delay.Reset();
                if (state.ControlFault().Slow is { Ticks: > 0 } late) await Task.Delay(late, time, ending.Token);
                Obeying = ObeyAsync(message, ending.Token);
                await Obeying;
                // After the answer: the control plane must know that the fault is in force.
                if (state.ControlFault().Breaks) return;
            }
        }
        finally
        {
            await ending.CancelAsync();
            await sending;
        }
    }

    private async Task ObeyAsync(ControlMessage message, CancellationToken cancellationToken)
    {
        switch (message.KindCase)
        {
            case ControlMessage.KindOneofCase.Snapshot:
                await TakeAsync(message.Snapshot, cancellationToken);
                break;
            case ControlMessage.KindOneofCase.RenewNow:
                RenewAsked?.Invoke();
                break;
            case ControlMessage.KindOneofCase.Drain:
                logger.DrainAsked(bootstrap.Instance, message.Drain.Seconds);
                DrainAsked?.Invoke(TimeSpan.FromSeconds(message.Drain.Seconds));
                break;
            case ControlMessage.KindOneofCase.Tap:
                uplink.ChangeTap(message.Tap);
                break;
        }
    }

    private async Task TakeAsync(SnapshotUpdate update, CancellationToken cancellationToken)
    {
        var errors = await intake.TakeAsync(update, cancellationToken);
        if (errors.Count == 0)
        {
            logger.Applied(bootstrap.Instance, update.Version);
            await uplink.SendAsync(new SidecarMessage { Ack = new Ack { Version = update.Version } }, cancellationToken);
            return;
        }
        logger.Refused(bootstrap.Instance, update.Version, string.Join("; ", errors));
        var nack = new Nack { Version = update.Version };
        nack.Errors.AddRange(errors);
        await uplink.SendAsync(new SidecarMessage { Nack = nack }, cancellationToken);
    }

    private SidecarMessage Hello() => new()
    {
        Hello = new Hello
        {
            Workload = bootstrap.Workload,
            Instance = bootstrap.Instance,
            SnapshotVersion = intake.Version,
            SnapshotHash = intake.Hash,
            InboundAddress = state.InboundAddress ?? "",
            AdminAddress = state.AdminAddress ?? bootstrap.Admin,
            ProxyVersion = ProxyVersion.Text,
        },
    };

    private void Lost(ControlFailure failure) => status.Enter(
        failure.Refused ? ControlPhase.Refused : ControlPhase.Disconnected,
        failure.Refused
            ? $"The control plane at {bootstrap.ControlPlane} takes no stream from sidecar '{bootstrap.Instance}': {failure.Reason}. It runs on with snapshot {intake.Version}. Start the sidecar's resource again."
            : $"Sidecar '{bootstrap.Instance}' lost the control plane at {bootstrap.ControlPlane}: {failure.Reason}. It runs on with snapshot {intake.Version} and its SVID, and tries again by itself.");
}
