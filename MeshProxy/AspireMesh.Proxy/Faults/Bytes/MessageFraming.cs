using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>How messages are marked in a stream of bytes.</summary>
internal enum MessageFraming
{
    /// <summary>They are not.</summary>
    None,

    /// <summary>Length-prefixed messages of gRPC over HTTP/2.</summary>
    Grpc,

    /// <summary>WebSocket frames (RFC 6455 section 5.2).</summary>
    WebSocket,
}

/// <summary>Tells the framing of a request's streams.</summary>
internal static class MessageFramings
{
    extension(MessageFraming)
    {
        public static MessageFraming Of(HttpRequest? request) => request is null ? MessageFraming.None
            : ErrorAnswer.IsGrpc(request) ? MessageFraming.Grpc
            : HeaderHygiene.IsUpgrade(request.HttpContext) ? MessageFraming.WebSocket
            : MessageFraming.None;
    }
}
