using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tls;
using Google.Protobuf;

namespace AspireMesh.Proxy.Control;

/// <summary>Gets SVIDs: the first one with a join token, the following ones with the SVID before. Each has a new key.</summary>
internal sealed class Enrolment(SidecarBootstrap bootstrap, TrustDomain trustDomain, TimeProvider time)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    // The same for every try of a join: where the answer was lost, the control plane takes the single-use token again from the key that used it.
    private SvidKey? _joining;

    /// <summary>Whether a token can be had again, so that an expired SVID is no end.</summary>
    public bool CanJoinAgain => bootstrap.JoinTokenFile is not null;

    /// <summary>Joins the mesh.</summary>
    /// <exception cref="Grpc.Core.RpcException">The control plane refused, or cannot be reached.</exception>
    /// <exception cref="MeshValidationException">What it issued is no SVID of this mesh.</exception>
    /// <exception cref="IOException">The token file cannot be read.</exception>
    public async Task<Svid> JoinAsync(ControlChannel channel, CancellationToken cancellationToken)
    {
        var key = _joining ??= new SvidKey();
        var request = new JoinRequest
        {
            Workload = bootstrap.Workload,
            Instance = bootstrap.Instance,
            Token = await ReadTokenAsync(cancellationToken),
            Csr = UnsafeByteOperations.UnsafeWrap(key.CreateRequest()),
        };
        var response = await channel.Client.JoinAsync(request, deadline: Deadline(), cancellationToken: cancellationToken);
        _joining = null;
        using (key) return Accept(key, response, expected: null);
    }

    /// <summary>Gets the next SVID over a channel that proves the current one.</summary>
    /// <exception cref="Grpc.Core.RpcException">The control plane refused, or cannot be reached.</exception>
    /// <exception cref="MeshValidationException">What it issued is no SVID of this mesh.</exception>
    public async Task<Svid> RenewAsync(ControlChannel channel, SpiffeId current, CancellationToken cancellationToken)
    {
        using var key = new SvidKey();
        var request = new RenewRequest { Csr = UnsafeByteOperations.UnsafeWrap(key.CreateRequest()) };
        var response = await channel.Client.RenewAsync(request, deadline: Deadline(), cancellationToken: cancellationToken);
        return Accept(key, response, current);
    }

    // gRPC compares a deadline with the machine's clock, so it is not for the mesh's clock to say.
    private static DateTime Deadline() => TimeProvider.System.GetUtcNow().UtcDateTime + CallTimeout;

    private async Task<string> ReadTokenAsync(CancellationToken cancellationToken)
    {
        if (bootstrap.JoinTokenFile is { } file) return (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        return bootstrap.JoinToken ?? "";
    }

    private Svid Accept(SvidKey key, SvidResponse response, SpiffeId? expected)
    {
        try
        {
            var bundle = new X509Certificate2Collection();
            foreach (var root in response.Bundle) bundle.Add(X509CertificateLoader.LoadCertificate(root.Span));
            var chain = new X509Certificate2Collection();
            foreach (var link in response.Chain) chain.Add(X509CertificateLoader.LoadCertificate(link.Span));
            if (chain.Count == 0) throw Unusable("it sent no certificate");
            using var bare = chain[0];
            chain.RemoveAt(0);
            if (!SvidValidator.TryValidate(bare, chain, bundle, trustDomain, time.GetUtcNow(), out var id, out var error)) throw Unusable(error);
            if (expected is not null && id != expected) throw Unusable($"it is for '{id}', not for '{expected}'");
            return new Svid(key.Attach(bare), chain, bundle);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Unusable(e.Message);
        }
    }

    private MeshValidationException Unusable(string reason) => new([MeshDiagnostics.NotAnSvid.Found(
        $"Sidecar '{bootstrap.Instance}': the certificate that the control plane at {bootstrap.ControlPlane} issued cannot be used: {reason}. Start the AppHost again.")]);
}
