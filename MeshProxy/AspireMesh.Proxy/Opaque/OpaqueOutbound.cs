using System.Diagnostics;
using System.Net.Sockets;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tunnel;

namespace AspireMesh.Proxy.Opaque;

/// <summary>Outbound opaque TCP: the app's connection is joined with a stream to a destination of the listener's cluster. No byte of it is looked at.</summary>
internal sealed class OpaqueOutbound(ITunnelDialer dialer, IMeshEvents events, TimeProvider time)
{
    /// <summary>Destinations tried for one connection. Nothing was sent while none has answered, so trying another is always safe.</summary>
    private const int MaxAttempts = 3;

    private readonly ConnectionPlaces _places = new();

    public async Task ServeAsync(OpaqueOpener opener, OpaquePath path, SidecarRuntime runtime, CancellationToken cut)
    {
        using var place = _places.TryTake(path);
        if (place is null)
        {
            var full = $"'{path.Destination}' has the {path.Limits!.MaxConnections} connections that this edge allows";
            events.Refused(new Refusal(path.Side, RefusalReason.Limit, path.Endpoint, runtime.Snapshot.Workload, Detail: full) { Destination = path.Destination, Route = path.Route });
            await opener.RefuseAsync(full);
            return;
        }
        var start = new ConnectionStart(path.Side, path.Destination, path.Endpoint, time.GetTimestamp(), path.Route);
        events.ConnectionStarted(start);
        ConnectionEnd end;
        try
        {
            end = await JoinAsync(opener, path, runtime, cut);
        }
        catch (Exception e) when (e is DialException or OperationCanceledException or ConnectionBrokenOnPurposeException)
        {
            await opener.RefuseAsync(e.Message);
            end = new ConnectionEnd(0, 0, e.Message);
        }
        events.ConnectionEnded(start, end);
    }

    private async Task<ConnectionEnd> JoinAsync(OpaqueOpener opener, OpaquePath path, SidecarRuntime runtime, CancellationToken cut)
    {
        var fired = runtime.Rules.Decide(path.Cluster, FaultStage.Request);
        var effect = fired is null ? FaultEffect.None : await fired.BeforeAsync(cut);
        if (effect.Break == FaultBreak.BlackHole) return await Swallow.RunAsync(await opener.AcceptAsync(cut), cut);
        // An answer in place of the destination's is nothing that opaque bytes could carry: such a fault breaks the connection.
        if (effect.Ends) throw new ConnectionBrokenOnPurposeException();
        var discovered = runtime.Rules.Decide(path.Cluster, FaultStage.Discovery)?.Discovery() ?? default;
        var tried = new List<string>();
        DialException? last = null;
        while (!discovered.NoDestination && tried.Count < MaxAttempts && runtime.Rules.Choose(path.Cluster, tried, opener.From) is { } lease)
        {
            using (lease)
            {
                tried.Add(lease.Destination.Name);
                var destination = discovered.AddressFor(lease.Destination.Name) is { } address ? lease.Destination with { Address = address } : lease.Destination;
                var stream = await TryDialAsync(lease.Cluster, destination, path.Timeouts.Connect, e => last = e, cut);
                lease.Connected(stream is not null);
                if (stream is not null) return await SpliceAsync(opener, stream, fired, path.Timeouts.Idle, cut);
            }
        }
        var problem = last is null ? $"no destination of '{path.Destination}' can take a connection" : last.Message;
        events.Refused(new Refusal(path.Side, last?.Error == DialError.Denied ? RefusalReason.Denied : RefusalReason.NoDestination, path.Endpoint, runtime.Snapshot.Workload, Detail: problem) { Destination = path.Destination, Route = path.Route });
        throw last ?? new DialException(DialError.Connect, problem);
    }

    private async Task<ConnectionEnd> SpliceAsync(OpaqueOpener opener, HalfCloseStream stream, FiredFaults? fired, TimeSpan idle, CancellationToken cut)
    {
        HalfCloseStream app;
        try
        {
            app = await opener.AcceptAsync(cut);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            stream.Reset();
            return new ConnectionEnd(0, 0, e.Message);
        }
        return await Splice.RunAsync(fired?.Shape(app, request: true) ?? app, fired?.Shape(stream, request: false) ?? stream, idle, time, cut);
    }

    private async Task<HalfCloseStream?> TryDialAsync(ClusterSnapshot cluster, DestinationSnapshot destination, TimeSpan limit, Action<DialException> failed, CancellationToken cut)
    {
        using var timed = limit > TimeSpan.Zero ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, timed.Token);
        try
        {
            return await dialer.OpenAsync(cluster, destination, StreamKind.Tcp, Activity.Current?.Context ?? default, either.Token);
        }
        catch (DialException e)
        {
            failed(e);
        }
        catch (OperationCanceledException) when (timed.IsCancellationRequested && !cut.IsCancellationRequested)
        {
            failed(new DialException(DialError.Connect, $"'{destination.Name}' did not take a connection within {limit.TotalSeconds:0.#} s"));
        }
        return null;
    }
}

/// <summary>A fault broke the connection.</summary>
internal sealed class ConnectionBrokenOnPurposeException() : IOException("a fault broke the connection");
