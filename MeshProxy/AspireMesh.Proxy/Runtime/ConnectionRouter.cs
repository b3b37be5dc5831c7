using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Proxy.Egress;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound;
using AspireMesh.Proxy.Interception;
using AspireMesh.Proxy.Opaque;
using AspireMesh.Proxy.Outbound.Admission;
using AspireMesh.Proxy.Passthrough;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Runtime;

/// <summary>The first decision about an accepted socket: which half of the sidecar takes it. Nothing has been read from it yet.</summary>
internal sealed class ConnectionRouter(RuntimeHolder holder, CallerAddresses callers, HttpSockets http, OpaqueOutbound opaque, TlsPassthrough passthrough, EgressConnections egress, InboundConnections inbound, InterceptedConnections intercepted, OpenConnections open)
{
    public void Take(Socket socket, ListenerTarget target)
    {
        if (callers.AreAsked(target)) open.Run(cut => TakeKnownAsync(socket, target, cut));
        else Serve(socket, target);
    }

    private async Task TakeKnownAsync(Socket socket, ListenerTarget target, CancellationToken cut)
    {
        if (await callers.IsKnownAsync(socket, target, cut)) Serve(socket, target);
        else SocketEnd.Reset(socket);
    }

    private void Serve(Socket socket, ListenerTarget target)
    {
        switch (target.Side)
        {
            case MeshSide.Inbound:
                open.Run(cut => inbound.ServeAsync(socket, cut));
                break;
            case MeshSide.Outbound when target.Name == InterceptedConnections.ListenerName:
                intercepted.Take(socket, holder.Current, listener => Serve(socket, new ListenerTarget(MeshSide.Outbound, listener.Name)));
                break;
            case MeshSide.Egress:
                open.Run(cut => egress.ServeAsync(socket, open.Draining, cut));
                break;
            case MeshSide.Outbound or MeshSide.Gateway when passthrough.Takes(target):
                open.Run(cut => passthrough.ServeAsync(socket, target, cut));
                break;
            case MeshSide.Outbound when holder.Current.Outbound.TryGetValue(target.Name, out var listener) && listener.Protocol == AppProtocol.Tcp:
                open.Run(cut => opaque.ServeAsync(new TakenConnection(new SocketStream(socket)), OpaquePath.Of(listener), holder.Current, cut));
                break;
            default:
                open.Run(_ => http.ServeAsync(socket, target, open.Draining));
                break;
        }
    }
}
