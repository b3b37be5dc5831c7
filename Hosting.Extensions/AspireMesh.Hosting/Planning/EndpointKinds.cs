using System.Net.Sockets;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>What an endpoint carries.</summary>
internal static class EndpointKinds
{
    /// <summary>HTTP by scheme or transport; anything else is carried without being parsed.</summary>
    public static AppProtocol ProtocolOf(EndpointAnnotation endpoint) =>
        endpoint.UriScheme.ToLowerInvariant() is "http" or "https" or "ws" or "wss" or "grpc" || endpoint.Transport.ToLowerInvariant() is "http" or "http2" ? AppProtocol.Http : AppProtocol.Tcp;

    /// <summary>Whether it is a datagram endpoint, which no sidecar carries.</summary>
    public static bool IsUdp(EndpointAnnotation endpoint) => endpoint.Protocol == ProtocolType.Udp;

    /// <summary>
    /// The endpoint of the app that takes the traffic of <paramref name="endpoint"/>. A project with both http and https usually redirects the one to the other;
    /// such a redirect would lead callers to the app's own address, out of the mesh. So its http traffic is handed over at its https port.
    /// </summary>
    public static EndpointAnnotation AppSide(IResource resource, EndpointAnnotation endpoint)
    {
        if (resource is not ProjectResource || endpoint.UriScheme != "http" || endpoint.Transport == "http2") return endpoint;
        return resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.UriScheme == "https" && e.Name == HttpsTwin(endpoint.Name)) ?? endpoint;
    }

    /// <summary>The scheme of the listener that stands in for an endpoint.</summary>
    public static string ListenerScheme(EndpointAnnotation endpoint) => ProtocolOf(endpoint) == AppProtocol.Tcp ? endpoint.UriScheme : endpoint.UriScheme is "ws" or "wss" ? "ws" : "http";

    private static string HttpsTwin(string name) => name == "http" ? "https" : name + "s";
}
