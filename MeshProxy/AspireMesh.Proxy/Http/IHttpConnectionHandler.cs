using Microsoft.AspNetCore.Connections;

namespace AspireMesh.Proxy.Http;

/// <summary>Takes accepted connections that speak HTTP.</summary>
internal interface IHttpConnectionHandler
{
    /// <summary>Serves a connection until it ends. The connection's first bytes may have been looked at but not consumed.</summary>
    /// <param name="connection">Owned by the handler from here on.</param>
    /// <param name="entry">Where it came in.</param>
    /// <param name="http2">Whether it begins with the HTTP/2 preface; HTTP/1.x otherwise.</param>
    Task HandleAsync(ConnectionContext connection, HttpEntry entry, bool http2);
}
