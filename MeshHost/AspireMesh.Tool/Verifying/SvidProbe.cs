using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Tool.Verifying;

/// <summary>
/// Looks at the certificate that an inbound listener really presents. The tool has no SVID, so the listener ends the handshake; its own certificate has
/// come by then, which is all that is wanted.
/// </summary>
internal sealed class SvidProbe
{
    private static readonly SslApplicationProtocol Tunnel = new("aspiremesh/1");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly TrustDomain _trustDomain;
    private readonly X509Certificate2Collection _roots = [];
    private readonly TimeProvider _time;

    public SvidProbe(CertificatesView view, TimeProvider time)
    {
        (_trustDomain, _time) = (TrustDomain.Parse(view.TrustDomain), time);
        foreach (var root in view.Roots) _roots.Add(X509Certificate2.CreateFromPem(root.Pem));
    }

    /// <summary>What is wrong with a sidecar's certificate; null when nothing is.</summary>
    public async Task<MeshProblem?> CheckAsync(WorkloadStatus workload, CancellationToken cancellationToken)
    {
        if (workload.Inbound is not { } inbound) return null;
        string? found = "it presented no certificate";
        using var limit = new CancellationTokenSource(Limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            var colon = inbound.LastIndexOf(':');
            await socket.ConnectAsync(inbound[..colon], int.Parse(inbound.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture), either.Token);
            await using var tls = new SslStream(new NetworkStream(socket));
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = workload.Name,
                ApplicationProtocols = [Tunnel],
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                {
                    found = Judge(certificate, chain, workload.Identity);
                    return found is null;
                },
            }, either.Token);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // Expected once its certificate has been looked at: it refuses a client without one.
        }
        catch (SocketException e)
        {
            found = $"its inbound listener {inbound} cannot be reached ({e.Message})";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            found = $"its inbound listener {inbound} does not answer";
        }
        return found is null ? null : MeshDiagnostics.NotAnSvid.Found($"Sidecar '{workload.Name}': {found}. Look at its log; type: aspiremesh certs renew {workload.Name}");
    }

    private string? Judge(X509Certificate? certificate, X509Chain? chain, string expected)
    {
        if (certificate is null) return "it presented no certificate";
        using var leaf = new X509Certificate2(certificate);
        if (!SvidValidator.TryValidate(leaf, chain?.ChainPolicy.ExtraStore ?? [], _roots, _trustDomain, _time.GetUtcNow(), out var id, out var error)) return error;
        return id.ToString() == expected ? null : $"it presents '{id}' instead of '{expected}'";
    }
}
