using System.Collections.Concurrent;
using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Inbound;

/// <summary>
/// The inbound port: the first byte tells TLS from plaintext, the handshake tells who calls, ALPN tells what it is. Nothing is read from the app's side
/// before the caller is known.
/// </summary>
internal sealed class InboundConnections(RuntimeHolder holder, MeshHandshake handshake, InboundStreams streams, IMeshEvents events, TunnelOptions options)
{
    private const byte TlsHandshakeRecord = 0x16;
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<TunnelConnection, byte> _tunnels = new();

    /// <summary>Serves a connection to its end.</summary>
    public async Task ServeAsync(Socket socket, CancellationToken cut)
    {
        var remote = socket.RemoteEndPoint?.ToString() ?? "";
        using var limit = new CancellationTokenSource(HandshakeTime, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, limit.Token);
        try
        {
            var first = new byte[1];
            if (await socket.ReceiveAsync(first, SocketFlags.Peek, either.Token) == 0)
            {
                socket.Dispose();
            }
            else if (first[0] == TlsHandshakeRecord)
            {
                var secured = await handshake.AcceptAsync(socket, either.Token);
                events.HandshakeSeen(MeshSide.Inbound, secured.Peer);
                await ServeSecuredAsync(secured, socket, cut);
            }
            else
            {
                await ServePlaintextAsync(socket, remote, cut);
            }
        }
        catch (HandshakeException e)
        {
            events.Refused(new Refusal(MeshSide.Inbound, RefusalReason.Handshake, "", remote, Detail: e.Message));
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It left, or said nothing for too long, before there was anything to refuse.
            SocketEnd.Reset(socket);
        }
    }

    /// <summary>Tells every caller to open new streams elsewhere; running ones finish. Completes when all have, or at the token.</summary>
    public Task DrainAsync(CancellationToken giveUp) => Task.WhenAll(_tunnels.Keys.Select(t => t.DrainAsync(giveUp, stopping: true)));

    /// <summary>Callers make new connections, with the identity and roots that are current now.</summary>
    /// <param name="stopping">This sidecar stops: what they have here will be cut.</param>
    public void Retire(bool stopping = false)
    {
        foreach (var tunnel in _tunnels.Keys) _ = tunnel.DrainAsync(CancellationToken.None, stopping);
    }

    private async Task ServeSecuredAsync(SecuredConnection secured, Socket socket, CancellationToken cut)
    {
        if (secured.Protocol == MeshHandshake.TunnelProtocol) await ServeTunnelAsync(secured, cut);
        else await ServeStandardPeerAsync(secured, socket, cut);
    }

    private async Task ServeTunnelAsync(SecuredConnection secured, CancellationToken cut)
    {
        await using var tunnel = new TunnelConnection(secured.Stream, s => ServeTunnelStreamAsync(s, cut), options) { Peer = secured.Peer };
        _tunnels[tunnel] = 0;
        try
        {
            await using var expiry = ExpiryWatch.Start(tunnel, secured.Expires, options.Time);
            using var onCut = cut.UnsafeRegister(static t => _ = ((TunnelConnection)t!).DisposeAsync().AsTask(), tunnel);
            await tunnel.RunAsync();
        }
        finally
        {
            _tunnels.TryRemove(tunnel, out _);
        }
    }

    private Task ServeTunnelStreamAsync(TunnelStream stream, CancellationToken cut)
    {
        var kind = stream.Opening.Kind <= (byte)StreamKind.Http2 ? (StreamKind)stream.Opening.Kind : StreamKind.Tcp;
        return streams.ServeAsync(stream, stream.Opening.Endpoint, kind, stream.SetReady, stream.Abort, cut);
    }

    // A peer of another mesh or a plain mTLS client: SNI "<endpoint>.<workload>" names what it wants, the connection is one stream.
    private async Task ServeStandardPeerAsync(SecuredConnection secured, Socket socket, CancellationToken cut)
    {
        var stream = new TlsStream(secured.Stream, socket, secured.Peer);
        var workload = holder.Current.Snapshot.Workload;
        var endpoint = secured.ServerName.EndsWith("." + workload, StringComparison.OrdinalIgnoreCase) ? secured.ServerName[..^(workload.Length + 1)] : secured.ServerName;
        var kind = secured.Protocol switch { "h2" => StreamKind.Http2, "http/1.1" => StreamKind.Http1, _ => StreamKind.Tcp };
        await streams.ServeAsync(stream, endpoint, kind, static () => { }, _ => stream.Reset(), cut);
    }

    private async Task ServePlaintextAsync(Socket socket, string remote, CancellationToken cut)
    {
        var runtime = holder.Current;
        if (runtime.Snapshot.Mtls == MtlsMode.Strict)
        {
            socket.Dispose();
            events.Refused(new Refusal(MeshSide.Inbound, RefusalReason.Plaintext, "", remote, Detail: $"{remote} sent plaintext; this mesh is strict"));
            return;
        }
        if (runtime.Snapshot.Inbound.Endpoints is not [var endpoint])
        {
            SocketEnd.Reset(socket);
            events.Refused(new Refusal(MeshSide.Inbound, RefusalReason.UnknownEndpoint, "", remote, Detail: $"{remote} sent plaintext, which names no endpoint, and '{runtime.Snapshot.Workload}' has several"));
            return;
        }
        events.PlaintextTaken(remote, endpoint.Name);
        var stream = new SocketStream(socket);
        await streams.ServeAsync(stream, endpoint.Name, StreamKind.Tcp, static () => { }, _ => stream.Reset(), cut);
    }
}
