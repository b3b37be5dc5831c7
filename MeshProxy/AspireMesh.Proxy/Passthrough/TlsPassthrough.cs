using System.Net.Sockets;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Opaque;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Passthrough;

/// <summary>
/// Connections of listeners with TLS routes: the name in the hello chooses the cluster, and from there on they are opaque like any other. The TLS is the
/// app's own, end to end. No name meets the route for everything or nothing; what is no hello within the time and the size for one is cut.
/// </summary>
internal sealed class TlsPassthrough(RuntimeHolder holder, OpaqueOutbound opaque, IMeshEvents events, TimeProvider time)
{
    /// <summary>A fatal alert, unrecognized_name (RFC 6066 section 3, RFC 8446 section 6), as TLS 1.2 frames it: no keys are agreed on yet.</summary>
    private static readonly byte[] s_unrecognizedName = [21, 3, 3, 0, 2, 2, 112];

    private readonly HelloReader _reader = new(time);

    /// <summary>Whether this takes a listener's connections.</summary>
    public bool Takes(ListenerTarget target) => PathOf(target, holder.Current) is not null;

    public async Task ServeAsync(Socket socket, ListenerTarget target, CancellationToken cut)
    {
        var app = new SocketStream(socket);
        var (hello, stream) = await _reader.ReadAsync(app, cut);
        var runtime = holder.Current;
        if (PathOf(target, runtime) is not { } path)
        {
            app.Reset();
            return;
        }
        if (hello.State != HelloState.Complete)
        {
            events.Refused(new Refusal(target.Side, RefusalReason.Malformed, path.Endpoint, Caller(target, runtime, socket), Detail: $"'{target.Name}' takes TLS, and this connection did not begin with a hello ({hello.State})"));
            app.Reset();
            return;
        }
        if (runtime.Rules.ChooseTls(target.Side, target.Name, hello.ServerName) is not { } choice)
        {
            events.Refused(new Refusal(target.Side, RefusalReason.UnknownEndpoint, path.Endpoint, Caller(target, runtime, socket), Detail: $"no TLS route of '{target.Name}' matches {(hello.ServerName is { } name ? $"the server name '{name}'" : "a hello without a server name")}"));
            await SayUnknownAsync(app);
            return;
        }
        var cluster = runtime.Clusters[choice.Cluster];
        await opaque.ServeAsync(new TakenConnection(stream), path with { Cluster = choice.Cluster, Destination = cluster.Workload, Endpoint = cluster.Endpoint, Route = choice.Route }, runtime, cut);
    }

    private static string Caller(ListenerTarget target, SidecarRuntime runtime, Socket socket) => target.Side == MeshSide.Gateway ? socket.RemoteEndPoint?.ToString() ?? "" : runtime.Snapshot.Workload;

    private static OpaquePath? PathOf(ListenerTarget target, SidecarRuntime runtime) => target.Side switch
    {
        MeshSide.Outbound when runtime.Outbound.TryGetValue(target.Name, out var listener) && listener.TlsRoutes.Length > 0 => OpaquePath.Of(listener),
        MeshSide.Gateway when runtime.Gateways.TryGetValue(target.Name, out var gateway) && gateway.TlsRoutes.Length > 0 =>
            new OpaquePath { Side = MeshSide.Gateway, Listener = gateway.Name, Destination = gateway.Name, Endpoint = "", Cluster = "", Timeouts = MeshDefaults.OpaqueTimeouts },
        _ => null,
    };

    private static async Task SayUnknownAsync(SocketStream app)
    {
        try
        {
            await app.WriteAsync(s_unrecognizedName);
            await app.CloseWriteAsync(CancellationToken.None);
            app.Finish();
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            app.Reset();
        }
    }
}
