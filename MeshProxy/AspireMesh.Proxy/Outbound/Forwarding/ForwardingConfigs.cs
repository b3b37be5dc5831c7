using System.Net;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>How a route's requests are sent on: in the very version the caller spoke, ended only by being idle.</summary>
internal sealed class ForwardingConfigs(TimeoutPolicy timeouts)
{
    private readonly ForwarderRequestConfig _http1 = For(timeouts, HttpVersion.Version11);
    private readonly ForwarderRequestConfig _http2 = For(timeouts, HttpVersion.Version20);

    public ForwarderRequestConfig For(HttpRequest request) => HttpProtocol.IsHttp2(request.Protocol) ? _http2 : _http1;

    private static ForwarderRequestConfig For(TimeoutPolicy timeouts, Version version) => new()
    {
        Version = version,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = timeouts.Idle > TimeSpan.Zero ? timeouts.Idle : Timeout.InfiniteTimeSpan,
    };
}
