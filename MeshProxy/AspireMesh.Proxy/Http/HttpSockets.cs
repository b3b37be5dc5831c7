using System.Net.Sockets;
using AspireMesh.Proxy.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Http;

/// <summary>Takes sockets whose peer speaks HTTP in the clear: outbound listeners, plain gateways, admin. Tells HTTP/2 from HTTP/1.x by the first bytes.</summary>
internal sealed class HttpSockets(IHttpConnectionHandler handler, ILoggerFactory loggers) : IDisposable
{
    private readonly SocketConnectionContextFactory _contexts = new(new SocketConnectionFactoryOptions(), loggers.CreateLogger<SocketConnectionContextFactory>());

    public async Task ServeAsync(Socket socket, ListenerTarget target)
    {
        var connection = _contexts.Create(socket);
        try
        {
            var http2 = await FirstBytes.AreHttp2Async(connection.Transport.Input, connection.ConnectionClosed);
            var entry = new HttpEntry(target.Side, target.Name, null, connection.RemoteEndPoint);
            await handler.HandleAsync(connection, entry, http2);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or ConnectionResetException)
        {
            // The peer left before it said anything.
            await connection.DisposeAsync();
        }
    }

    public void Dispose() => _contexts.Dispose();
}
