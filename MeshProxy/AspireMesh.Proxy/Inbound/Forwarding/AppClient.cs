using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Inbound.Forwarding;

/// <summary>The HTTP connections to the local app, for streams that go through the pipeline.</summary>
internal sealed class AppClient : HttpMessageInvoker
{
    private AppClient(SocketsHttpHandler handler, string app, bool tls) : base(handler, disposeHandler: true)
    {
        App = app;
        Authority = tls ? "https://localhost" : "http://localhost";
    }

    public string App { get; }

    public string Authority { get; }

    /// <summary>The client of the same address is taken over; null while the app's address is not known.</summary>
    public static AppClient? Create(InboundEndpoint endpoint, AppClient? previous)
    {
        if (endpoint.App is not { } app) return null;
        if (previous is not null && previous.App == app && previous.Authority.StartsWith("https", StringComparison.Ordinal) == endpoint.AppTls) return previous;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(4),
            MaxResponseHeadersLength = 1024,
            RequestHeaderEncodingSelector = PromptContent.HeaderEncoding,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ConnectCallback = async (_, cancellation) => new NetworkStream(await HostPort.ConnectAsync(app, cancellation), ownsSocket: true),
        };
        // The app is on this machine and was named by the AppHost; its developer certificate proves nothing that the address does not.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        return new AppClient(handler, app, endpoint.AppTls);
    }

    /// <summary>As DestinationClient does: nothing that is not idempotent is repeated behind our back.</summary>
    public override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is null && !HttpMethodFacts.IsIdempotent(request.Method.Method) && request.Method != HttpMethod.Connect) request.Content = new ByteArrayContent([]);
        else PromptContent.Wrap(request);
        return base.SendAsync(request, cancellationToken);
    }
}
