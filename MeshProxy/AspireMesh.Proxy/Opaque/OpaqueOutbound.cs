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

    public async Task ServeAsync(Socket socket, OutboundListener listener, SidecarRuntime runtime, CancellationToken cut)
    {
        var app = new SocketStream(socket);
        using var place = _places.TryTake(listener);
        if (place is null)
        {
            app.Reset();
            events.Refused(new Refusal(MeshSide.Outbound, RefusalReason.Limit, listener.Endpoint, runtime.Snapshot.Workload, Detail: $"'{listener.Destination}' has the {listener.Limits!.MaxConnections} connections that this edge allows"));
            return;
        }
        var start = new ConnectionStart(MeshSide.Outbound, listener.Destination, listener.Endpoint, time.GetTimestamp());
        events.ConnectionStarted(start);
        ConnectionEnd end;
        try
        {
            end = await JoinAsync(app, listener, runtime, cut);
        }
        catch (Exception e) when (e is DialException or OperationCanceledException or ConnectionBrokenOnPurposeException)
        {
            app.Reset();
            end = new ConnectionEnd(0, 0, e.Message);
        }
        events.ConnectionEnded(start, end);
    }

    private async Task<ConnectionEnd> JoinAsync(SocketStream app, OutboundListener listener, SidecarRuntime runtime, CancellationToken cut)
    {
        var fired = runtime.Rules.Decide(listener.Cluster!, FaultStage.Request);
        var effect = fired is null ? FaultEffect.None : await fired.BeforeAsync(cut);
        if (effect.Break == FaultBreak.BlackHole) return await Swallow.RunAsync(app, cut);
        // An answer in place of the destination's is nothing that opaque bytes could carry: such a fault breaks the connection.
        if (effect.Ends) throw new ConnectionBrokenOnPurposeException();
        var discovered = runtime.Rules.Decide(listener.Cluster!, FaultStage.Discovery)?.Discovery() ?? default;
        var tried = new List<string>();
        DialException? last = null;
        while (!discovered.NoDestination && tried.Count < MaxAttempts && runtime.Rules.Choose(listener.Cluster!, tried) is { } lease)
        {
            using (lease)
            {
                tried.Add(lease.Destination.Name);
                var destination = discovered.AddressFor(lease.Destination.Name) is { } address ? lease.Destination with { Address = address } : lease.Destination;
                var stream = await TryDialAsync(lease.Cluster, destination, listener.Timeouts.Connect, e => last = e, cut);
                lease.Connected(stream is not null);
                if (stream is not null) return await Splice.RunAsync(fired?.Shape(app, request: true) ?? app, fired?.Shape(stream, request: false) ?? stream, listener.Timeouts.Idle, time, cut);
            }
        }
        var problem = last is null ? $"no destination of '{listener.Destination}' can take a connection" : last.Message;
        events.Refused(new Refusal(MeshSide.Outbound, last?.Error == DialError.Denied ? RefusalReason.Denied : RefusalReason.NoDestination, listener.Endpoint, runtime.Snapshot.Workload, Detail: problem));
        throw last ?? new DialException(DialError.Connect, problem);
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
