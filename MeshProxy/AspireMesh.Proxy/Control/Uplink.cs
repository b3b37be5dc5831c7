using System.Text.Json;
using System.Threading.Channels;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;
using Google.Protobuf;
using Grpc.Core;

namespace AspireMesh.Proxy.Control;

/// <summary>
/// What goes up the stream. Answers wait their turn; a report is made when it is sent, at most one a second and only when something changed;
/// tapped requests are dropped when the control plane does not keep up, because a tap must never slow a request down.
/// </summary>
internal sealed class Uplink(IReportSource reports, TapPoint taps, TimeProvider time)
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private Channel<Outgoing> _outgoing = NewQueue();

    /// <summary>Starts a stream's queue with its hello. What waited on the stream before is of no interest to this one.</summary>
    public void Begin(SidecarMessage hello)
    {
        reports.Forget();
        lock (_gate)
        {
            _outgoing.Writer.TryComplete();
            while (_outgoing.Reader.TryRead(out var left)) left.Sent.TrySetCanceled();
            _outgoing = NewQueue();
            _outgoing.Writer.TryWrite(new Outgoing(hello));
        }
    }

    /// <summary>Sends an answer; completes when it was written to the stream.</summary>
    /// <exception cref="OperationCanceledException">The stream ended before.</exception>
    public Task SendAsync(SidecarMessage message, CancellationToken cancellationToken)
    {
        var outgoing = new Outgoing(message);
        lock (_gate)
        {
            if (!_outgoing.Writer.TryWrite(outgoing)) outgoing.Sent.TrySetCanceled(cancellationToken);
        }
        return outgoing.Sent.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Turns a tap on or off.</summary>
    public void ChangeTap(TapChange change) =>
        taps.Change(change.On ? ReadFilter(change) : null);

    /// <summary>Writes until the stream ends; the first message is the hello.</summary>
    public async Task PumpAsync(IClientStreamWriter<SidecarMessage> stream, CancellationToken cancellationToken)
    {
        var queue = _outgoing.Reader;
        using var timer = new PeriodicTimer(ReportInterval, time);
        var tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
        var answers = queue.WaitToReadAsync(cancellationToken).AsTask();
        var tapped = taps.Events.WaitToReadAsync(cancellationToken).AsTask();
        try
        {
            while (true)
            {
                await Task.WhenAny(answers, tick, tapped);
                if (answers.IsCompleted)
                {
                    if (!await answers) return;
                    await WriteAnswersAsync(queue, stream, cancellationToken);
                    answers = queue.WaitToReadAsync(cancellationToken).AsTask();
                }
                if (tapped.IsCompleted)
                {
                    await tapped;
                    await WriteTapsAsync(stream, cancellationToken);
                    tapped = taps.Events.WaitToReadAsync(cancellationToken).AsTask();
                }
                if (tick.IsCompleted)
                {
                    await tick;
                    await WriteReportAsync(stream, cancellationToken);
                    tick = timer.WaitForNextTickAsync(cancellationToken).AsTask();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or RpcException or IOException or InvalidOperationException)
        {
            // The reading side of the stream sees the same end and says why; here only those who wait are let go.
            while (queue.TryRead(out var left)) left.Sent.TrySetCanceled(CancellationToken.None);
        }
        finally
        {
            taps.Change(null);
        }
    }

    private static Channel<Outgoing> NewQueue() => Channel.CreateUnbounded<Outgoing>(new UnboundedChannelOptions { SingleReader = true });

    private static TapFilter ReadFilter(TapChange change)
    {
        if (change.Filter.IsEmpty) return new TapFilter();
        try
        {
            return JsonSerializer.Deserialize(change.Filter.Span, MeshJson.Default.TapFilter) ?? new TapFilter();
        }
        catch (JsonException)
        {
            // A filter this build cannot read shows everything; the control plane filters again.
            return new TapFilter();
        }
    }

    private async Task WriteAnswersAsync(ChannelReader<Outgoing> queue, IClientStreamWriter<SidecarMessage> stream, CancellationToken cancellationToken)
    {
        while (queue.TryRead(out var outgoing))
        {
            try
            {
                // Who took a fault out and waits for that to be obeyed reads next what it did: the counts are there first.
                if (outgoing.Message.KindCase == SidecarMessage.KindOneofCase.Ack) await WriteReportAsync(stream, cancellationToken);
                await stream.WriteAsync(outgoing.Message, cancellationToken);
                outgoing.Sent.TrySetResult();
            }
            finally
            {
                outgoing.Sent.TrySetCanceled(CancellationToken.None);
            }
        }
    }

    private async Task WriteTapsAsync(IClientStreamWriter<SidecarMessage> stream, CancellationToken cancellationToken)
    {
        while (taps.Events.TryRead(out var tapped))
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(tapped, MeshJson.Default.TapEvent);
            await stream.WriteAsync(new SidecarMessage { Tap = UnsafeByteOperations.UnsafeWrap(json) }, cancellationToken);
        }
    }

    private async Task WriteReportAsync(IClientStreamWriter<SidecarMessage> stream, CancellationToken cancellationToken)
    {
        if (reports.Take() is not { } report) return;
        var json = JsonSerializer.SerializeToUtf8Bytes(report, MeshJson.Default.SidecarReport);
        await stream.WriteAsync(new SidecarMessage { Report = UnsafeByteOperations.UnsafeWrap(json) }, cancellationToken);
    }

    private sealed record Outgoing(SidecarMessage Message)
    {
        public TaskCompletionSource Sent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
