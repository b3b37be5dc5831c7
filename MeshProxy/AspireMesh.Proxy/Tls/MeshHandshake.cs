using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Faults.Handshakes;
using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Tls;

/// <summary>A finished handshake.</summary>
/// <param name="Stream">Owns the socket.</param>
/// <param name="Peer">Who the other end proved to be.</param>
/// <param name="Protocol">The agreed ALPN protocol; empty when none was.</param>
/// <param name="ServerName">SNI, as the client sent it; empty on the client's side.</param>
/// <param name="Expires">The end of the shorter of the two SVIDs' lives: from then on nothing new may begin on this connection.</param>
internal sealed record SecuredConnection(SslStream Stream, SpiffeId Peer, string Protocol, string ServerName, DateTimeOffset Expires);

/// <summary>A handshake that failed, with the reason the validator gave where it was that.</summary>
internal sealed class HandshakeException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>TLS 1.3 (1.2 from others, where the mesh says so) with certificates on both sides, identities checked by one validator. Sessions are not resumed: a resumed one skips that check.</summary>
/// <param name="svids">What is presented.</param>
/// <param name="validator">Who is let in.</param>
/// <param name="tls12">Whether a standard peer may come with TLS 1.2; our own sidecars always speak 1.3 with each other. Null for no.</param>
/// <param name="faults">What faults change about a handshake with a callee (null: one from outside); null for nothing.</param>
internal sealed class MeshHandshake(ISvidSource svids, PeerValidator validator, Func<string?, HandshakeChange?>? faults = null, Func<bool>? tls12 = null)
{
    /// <summary>ALPN of our tunnel.</summary>
    public const string TunnelProtocol = "aspiremesh/1";

    private static readonly List<SslApplicationProtocol> Offered = [new(TunnelProtocol)];
    private static readonly List<SslApplicationProtocol> Accepted = [new(TunnelProtocol), SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    /// <summary>The dialling side. The socket is disposed when it fails.</summary>
    /// <exception cref="HandshakeException">No SVID yet, a refused certificate, or a peer that is not <paramref name="expected"/>.</exception>
    public async Task<SecuredConnection> ConnectAsync(Socket socket, string serverName, SpiffeId expected, CancellationToken cancellationToken)
    {
        var change = faults?.Invoke(CallerIdentity.FromId(expected.ToString()).Workload ?? "");
        var check = new PeerCheck(validator, expected, change?.Skew ?? TimeSpan.Zero);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = serverName,
            EnabledSslProtocols = change?.Protocols ?? SslProtocols.Tls13,
            ApplicationProtocols = Offered,
            ClientCertificateContext = change is { NoCertificate: true } ? null : change?.Certificate ?? svids.Current?.Context,
            RemoteCertificateValidationCallback = check.Validate,
            CertificateChainPolicy = Offline(),
            AllowTlsResume = false,
        };
        return await RunAsync(socket, check, s => s.AuthenticateAsClientAsync(options, cancellationToken));
    }

    /// <summary>The accepting side. The socket is disposed when it fails.</summary>
    /// <exception cref="HandshakeException">No SVID yet, or a peer without a certificate of this mesh.</exception>
    public async Task<SecuredConnection> AcceptAsync(Socket socket, CancellationToken cancellationToken)
    {
        var change = faults?.Invoke(null);
        var check = new PeerCheck(validator, null, change?.Skew ?? TimeSpan.Zero);
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = change?.Certificate ?? svids.Current?.Context,
            EnabledSslProtocols = change?.Protocols ?? (tls12?.Invoke() == true ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13),
            AllowRenegotiation = false,
            ApplicationProtocols = Accepted,
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = check.Validate,
            CertificateChainPolicy = Offline(),
            AllowTlsResume = false,
        };
        return await RunAsync(socket, check, s => s.AuthenticateAsServerAsync(options, cancellationToken));
    }

    // The chain that is built before our own check decides nothing, but by default it fetches what a certificate says is missing, from wherever that certificate
    // says, while the thread waits: a stranger could have us call and hold up everyone else's connections.
    private static X509ChainPolicy Offline() => new() { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };

    private async Task<SecuredConnection> RunAsync(Socket socket, PeerCheck check, Func<SslStream, Task> handshake)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
        try
        {
            if (svids.Current is not { } own) throw new HandshakeException("this sidecar has no SVID yet");
            await handshake(stream);
            // The callback decides alone; this only guards against a platform that would not have called it.
            var peer = check.Peer ?? throw new HandshakeException(check.Error ?? "the peer presented no certificate");
            return new SecuredConnection(stream, peer, stream.NegotiatedApplicationProtocol.ToString(), stream.TargetHostName, own.Expires < check.Expires ? own.Expires : check.Expires);
        }
        catch (Exception e)
        {
            await stream.DisposeAsync();
            if (e is AuthenticationException or IOException and not HandshakeException) throw new HandshakeException(check.Error ?? $"the TLS handshake failed: {e.Message}", e);
            throw;
        }
    }

    private sealed class PeerCheck(PeerValidator validator, SpiffeId? expected, TimeSpan skew)
    {
        public SpiffeId? Peer { get; private set; }

        public DateTimeOffset Expires { get; private set; }

        public string? Error { get; private set; }

        public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            if (!validator.TryValidate(certificate, chain, skew, out var id, out var error))
            {
                Error = error;
                return false;
            }
            if (expected is not null && id != expected)
            {
                Error = $"the peer is '{id}'; '{expected}' was expected";
                return false;
            }
            Peer = id;
            Expires = ((X509Certificate2)certificate!).NotAfter.ToUniversalTime();
            return true;
        }
    }
}
