using System.Net.Sockets;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tunnel;

/// <summary>Makes one tunnel connection: TCP, mTLS with the peer's identity checked, then frames.</summary>
internal sealed class TunnelConnector(MeshHandshake handshake, IMeshEvents events, TunnelPoolOptions options)
{
    /// <summary>Connects.</summary>
    /// <exception cref="DialException">Nobody there, no time left, or not the peer it has to be.</exception>
    public async Task<TunnelConnection> ConnectAsync(string address, SpiffeId expected)
    {
        using var limit = new CancellationTokenSource(options.ConnectTime, options.Tunnel.Time);
        try
        {
            var socket = await HostPort.ConnectAsync(address, limit.Token);
            var secured = await handshake.ConnectAsync(socket, ServerName(expected), expected, limit.Token);
            if (secured.Protocol != MeshHandshake.TunnelProtocol)
            {
                await secured.Stream.DisposeAsync();
                throw new DialException(DialError.Handshake, $"{address} does not speak {MeshHandshake.TunnelProtocol}: it is no sidecar of this version");
            }
            events.HandshakeSeen(MeshSide.Outbound, secured.Peer);
            var connection = new TunnelConnection(secured.Stream, null, options.Tunnel) { Peer = secured.Peer };
            _ = RunAsync(connection, secured.Expires);
            return connection;
        }
        catch (HandshakeException e)
        {
            throw new DialException(DialError.Handshake, $"no mTLS with '{expected}' at {address}: {e.Message}", e);
        }
        catch (SocketException e)
        {
            throw new DialException(DialError.Connect, $"no connection to {address}: {e.SocketErrorCode}", e);
        }
        catch (OperationCanceledException e)
        {
            throw new DialException(DialError.Connect, $"{address} did not finish a handshake within {options.ConnectTime.TotalSeconds:0.#} s", e);
        }
    }

    private async Task RunAsync(TunnelConnection connection, DateTimeOffset expires)
    {
        await using var expiry = ExpiryWatch.Start(connection, expires, options.Tunnel.Time);
        await connection.RunAsync();
        // Not every connection has a pool that closes it once the other end has.
        await connection.DisposeAsync();
    }

    // SNI only tells a reader of a capture which workload was meant: the identity in the certificate decides.
    private static string ServerName(SpiffeId expected) => expected.Path[(expected.Path.LastIndexOf('/') + 1)..];
}
