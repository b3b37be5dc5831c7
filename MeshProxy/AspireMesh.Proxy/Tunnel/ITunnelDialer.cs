using System.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Tunnel;

/// <summary>Opens a stream to a destination's app: through the tunnel inside the mesh, plain or over TLS outside it.</summary>
internal interface ITunnelDialer
{
    /// <summary>
    /// Opens the stream. When it returns, the far sidecar has let us in and its app has taken the connection, so a failure until here means that
    /// nothing was sent and anything may be tried again elsewhere.
    /// </summary>
    /// <exception cref="DialException">It could not be opened; says why.</exception>
    /// <exception cref="OperationCanceledException">The token; a connect time limit is the caller's to set on it.</exception>
    ValueTask<HalfCloseStream> OpenAsync(ClusterSnapshot cluster, DestinationSnapshot destination, StreamKind kind, ActivityContext trace, CancellationToken cancellationToken);
}
