using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Control;
using Grpc.Net.Client;

namespace AspireMesh.Proxy.Control;

/// <summary>
/// One HTTP/2 connection to the control plane. Without an SVID it can only join; with one it is mTLS. A channel keeps the SVID it was made with:
/// a renewed SVID gets a channel of its own, so that no connection outlives its certificate.
/// </summary>
internal sealed class ControlChannel : IDisposable
{
    private readonly GrpcChannel _channel;

    public ControlChannel(Uri address, ControlPlanePeer peer, SslStreamCertificateContext? svid, TimeProvider time)
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            // A control plane that stopped answering is noticed without waiting for TCP.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            UseCookies = false,
            // The mesh's own calls are no part of an app's traces.
            ActivityHeadersPropagator = null,
        };
        handler.SslOptions.ClientCertificateContext = svid;
        handler.SslOptions.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) => peer.IsControlPlane(certificate, chain, time.GetUtcNow());
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
        });
        Client = new MeshControl.MeshControlClient(_channel);
    }

    /// <summary>The calls.</summary>
    public MeshControl.MeshControlClient Client { get; }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
