using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Tunnel;

/// <summary>Opens connections that leave the mesh: plain, or over TLS that the sidecar originates and checks against the machine's public roots.</summary>
internal sealed class OutsideDialer
{
    /// <summary>Opens the connection.</summary>
    /// <exception cref="DialException">Nobody there, or its certificate is not trusted for the server name.</exception>
    public async Task<HalfCloseStream> OpenAsync(ClusterSnapshot cluster, DestinationSnapshot destination, StreamKind kind, CancellationToken cancellationToken)
    {
        Socket socket;
        try
        {
            socket = await HostPort.ConnectAsync(destination.Address, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new DialException(DialError.Connect, $"no connection to {destination.Address}: {e.SocketErrorCode}", e);
        }
        if (cluster.Kind == ClusterKind.Plain) return new SocketStream(socket);
        return await SecureAsync(socket, cluster.ServerName ?? destination.Address.Split(':')[0], kind, trustAny: false, cancellationToken, cluster.TrustedRoots);
    }

    /// <summary>Puts TLS on a connection. <paramref name="trustAny"/> is for the sidecar's own app on loopback, whose development certificate nobody has signed.</summary>
    public static async Task<HalfCloseStream> SecureAsync(Socket socket, string serverName, StreamKind kind, bool trustAny, CancellationToken cancellationToken, string? roots = null)
    {
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var options = new SslClientAuthenticationOptions { TargetHost = serverName, ApplicationProtocols = AlpnOf(kind) };
        options.CertificateChainPolicy = Trusting(roots);
        if (trustAny) options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
            return new TlsStream(tls, socket, null);
        }
        catch (Exception e)
        {
            await tls.DisposeAsync();
            if (e is AuthenticationException or IOException) throw new DialException(DialError.Handshake, $"no TLS with '{serverName}': {e.Message}", e);
            throw;
        }
    }

    // Nothing is fetched while a chain is built: the thread would wait for it, and the server chooses from where.
    private static X509ChainPolicy Trusting(string? roots)
    {
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (roots is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.ImportFromPem(roots);
        return policy;
    }

    private static List<SslApplicationProtocol>? AlpnOf(StreamKind kind) => kind switch
    {
        StreamKind.Http2 => [SslApplicationProtocol.Http2],
        StreamKind.Http1 => [SslApplicationProtocol.Http11],
        _ => null,
    };
}
