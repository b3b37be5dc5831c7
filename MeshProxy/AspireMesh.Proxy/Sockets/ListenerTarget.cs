using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Sockets;

/// <summary>What a listener is for.</summary>
/// <param name="Side">Outbound, inbound, gateway or admin.</param>
/// <param name="Name">The outbound listener's or gateway's name; <c>inbound</c> and <c>admin</c> for the others.</param>
internal sealed record ListenerTarget(MeshSide Side, string Name);
