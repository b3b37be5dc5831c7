using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Http;

/// <summary>Takes the sockets of outbound listeners, gateways and admin. In the clear the first bytes tell HTTP/2 from HTTP/1.x; over TLS, ALPN does.</summary>
/// <param name="handler">Serves them.</param>
/// <param name="holder">The snapshot in force.</param>
/// <param name="events">Counts.</param>
/// <param name="time">The clock.</param>
/// <param name="inline">Whether requests run on the thread that read them off the socket.</param>
/// <param name="loggers">Logs.</param>
internal sealed class HttpSockets(IHttpConnectionHandler handler, RuntimeHolder holder, IMeshEvents events, TimeProvider time, bool inline, ILoggerFactory loggers) : IDisposable
{
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly SocketConnectionContextFactory _contexts = new(new SocketConnectionFactoryOptions { UnsafePreferInlineScheduling = inline }, loggers.CreateLogger<SocketConnectionContextFactory>());

    /// <summary>Serves a connection to its end; one that says nothing ends at the token.</summary>
    public Task ServeAsync(Socket socket, ListenerTarget target, CancellationToken silent) =>
        target.Side == MeshSide.Gateway && holder.Current.GatewayCertificates.TryGetValue(target.Name, out var certificate)
            ? ServeTlsAsync(socket, target, certificate, silent)
            : ServeClearAsync(socket, target, silent);

    public void Dispose() => _contexts.Dispose();

    private async Task ServeClearAsync(Socket socket, ListenerTarget target, CancellationToken silent)
    {
        var connection = _contexts.Create(socket);
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(silent, connection.ConnectionClosed);
            var http2 = await FirstBytes.AreHttp2Async(connection.Transport.Input, either.Token);
            await handler.HandleAsync(connection, new HttpEntry(target.Side, target.Name, null, connection.RemoteEndPoint), http2);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or ConnectionResetException)
        {
            // The peer left before it said anything.
            await connection.DisposeAsync();
        }
    }

    private async Task ServeTlsAsync(Socket socket, ListenerTarget target, SslStreamCertificateContext certificate, CancellationToken silent)
    {
        var remote = socket.RemoteEndPoint;
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        using var timed = new CancellationTokenSource(HandshakeTime, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(silent, timed.Token);
        try
        {
            var options = new SslServerAuthenticationOptions { ServerCertificateContext = certificate, ApplicationProtocols = Protocols };
            await tls.AuthenticateAsServerAsync(options, limit.Token);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException)
        {
            await tls.DisposeAsync();
            events.Refused(new Refusal(MeshSide.Gateway, RefusalReason.Handshake, target.Name, remote?.ToString() ?? "", Detail: e.Message));
            return;
        }
        var connection = new StreamConnection(new TlsStream(tls, socket, null), $"{target.Name} {remote}") { RemoteEndPoint = remote };
        var finished = new FinishedTls(tls);
        connection.Features.Set<ITlsConnectionFeature>(finished);
        connection.Features.Set<ITlsHandshakeFeature>(finished);
        connection.Features.Set<ITlsApplicationProtocolFeature>(finished);
        await handler.HandleAsync(connection, new HttpEntry(target.Side, target.Name, null, remote), tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2);
    }
}
