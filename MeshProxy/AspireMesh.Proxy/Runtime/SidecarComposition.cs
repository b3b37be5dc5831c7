using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Puts the real parts of a sidecar together: control client, telemetry, admin surface, HTTP pipeline.</summary>
internal static class SidecarComposition
{
    public static SidecarParts Create(SidecarBootstrap bootstrap, MeshSidecarOptions options) =>
        throw new InvalidOperationException($"'{bootstrap.Instance}' cannot be composed yet with {options.GetType().Name}");
}
