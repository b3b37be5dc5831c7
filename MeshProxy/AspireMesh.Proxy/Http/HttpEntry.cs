using System.Net;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Http;

/// <summary>Where an HTTP connection came in. A feature of the connection, so every request on it has it.</summary>
/// <param name="Side">Outbound listener, inbound endpoint or gateway.</param>
/// <param name="Name">The outbound listener's, inbound endpoint's or gateway's name in the snapshot.</param>
/// <param name="Peer">On the inbound side the caller's proved identity; null in permissive plaintext, and elsewhere.</param>
/// <param name="Remote">The address it came from; null inside a tunnel.</param>
internal sealed record HttpEntry(MeshSide Side, string Name, SpiffeId? Peer, EndPoint? Remote);
