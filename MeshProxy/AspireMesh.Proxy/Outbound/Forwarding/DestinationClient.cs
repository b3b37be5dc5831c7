using System.Net;
using System.Text;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Tunnel;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>
/// The HTTP connections to one destination: streams that the dialer opens, pooled. The request's own Host header is passed on but chooses nothing;
/// who is dialled, and who has to answer, comes from the snapshot alone.
/// </summary>
internal sealed class DestinationClient : HttpMessageInvoker
{
    /// <summary>The authority of every request's URI: a constant, so that there is one pool per client.</summary>
    public const string Authority = "http://destination";

    /// <summary>Carries the attempt's trace context to the dialer; the pool may use the connection for other requests too.</summary>
    public static readonly HttpRequestOptionsKey<System.Diagnostics.ActivityContext> TraceKey = new("mesh.trace");

    private readonly CancellationTokenSource _stopping = new();
    private volatile bool _retired;

    /// <summary>Cancelled when the destination's sidecar said that it stops.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Its connections run on one that takes no new streams: new requests go to another client.</summary>
    public bool IsRetired => _retired;

    private DestinationClient(SocketsHttpHandler handler) : base(handler, disposeHandler: true)
    {
    }

    public static DestinationClient Create(ClusterSnapshot cluster, DestinationSnapshot destination, TimeSpan connectTimeout, ITunnelDialer dialer, Action<DestinationClient> retired)
    {
        DestinationClient? client = null;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true,
            ActivityHeadersPropagator = null,
            ConnectTimeout = connectTimeout > TimeSpan.Zero ? connectTimeout : Timeout.InfiniteTimeSpan,
            // Shorter than the keep-alive of the servers in use (Node and uvicorn: 5 s): a stream must not be reused while its server is closing it.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(4),
            // A busy HTTP/2 connection would never fall idle: without an end of its own it would keep a tunnel, and the SVIDs it was made with, alive for good.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 1024,
            // Bytes in, bytes out: values that are not ASCII are the app's business.
            RequestHeaderEncodingSelector = PromptContent.HeaderEncoding,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ConnectCallback = async (context, cancellation) =>
            {
                var request = context.InitialRequestMessage;
                request.Options.TryGetValue(TraceKey, out var trace);
                var kind = request.Version.Major >= 2 ? StreamKind.Http2 : StreamKind.Http1;
                var stream = await dialer.OpenAsync(cluster, destination, kind, trace, cancellation);
                // A rotation, a drain, a change of what the other end looks into: a pooled connection would live past it for minutes.
                stream.GoingAway.UnsafeRegister(_ => client!.Retire(retired), null);
                stream.Stopping.UnsafeRegister(_ => client!._stopping.Cancel(), null);
                return stream;
            },
        };
        return client = new DestinationClient(handler);
    }

    private void Retire(Action<DestinationClient> retired)
    {
        _retired = true;
        retired(this);
    }

    /// <summary>
    /// SocketsHttpHandler repeats a request by itself when a reused connection closes before an answer and no body was begun. For a method that is not
    /// idempotent that would be a repetition after bytes were sent; beginning an empty body forbids it (RFC 9110 9.2.2).
    /// </summary>
    public override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is null && !HttpMethodFacts.IsIdempotent(request.Method.Method) && request.Method != HttpMethod.Connect) request.Content = new ByteArrayContent([]);
        // Here and not where the request is made: YARP refuses contents that are not its own.
        else PromptContent.Wrap(request);
        return base.SendAsync(request, cancellationToken);
    }
}
