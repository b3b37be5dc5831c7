namespace AspireMesh.Proxy.Tunnel;

/// <summary>What a stream carries, so that the far side knows how to reach its app. A byte on the wire: values never change.</summary>
internal enum StreamKind : byte
{
    /// <summary>Opaque bytes; gets a connection of its own.</summary>
    Tcp = 0,

    /// <summary>HTTP/1.x, WebSocket included.</summary>
    Http1 = 1,

    /// <summary>HTTP/2 with prior knowledge, gRPC included.</summary>
    Http2 = 2,
}
