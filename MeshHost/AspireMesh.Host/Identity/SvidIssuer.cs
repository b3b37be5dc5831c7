using System.Security.Cryptography;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Identity;

/// <summary>Decides who gets an SVID, and remembers what was issued. Every refusal is logged and counted with its reason.</summary>
internal sealed partial class SvidIssuer(CertificateAuthority? authority, JoinTokens tokens, SidecarRegistry registry, ControlPlaneOptions options, ILogger logger)
{
    /// <summary>A first SVID for a token.</summary>
    /// <exception cref="MeshValidationException">The token or the request is refused.</exception>
    public SvidResponse Join(string workload, string instance, string token, ReadOnlySpan<byte> csr)
    {
        // Before the token is looked at: a request that cannot be granted uses none up.
        var key = CertificateAuthority.ReadKey(csr);
        var outcome = tokens.Redeem(token, workload, instance, Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo())));
        ControlPlaneMetrics.Joined(outcome);
        if (outcome != JoinOutcome.Accepted)
        {
            LogRefused(logger, instance, workload, outcome);
            throw new MeshValidationException([MeshDiagnostics.JoinRefused.Found($"Sidecar '{instance}' of workload '{workload}' cannot join: {Reason(outcome)}. Start its resource again: it gets a fresh token.")]);
        }
        return Issue(workload, instance, csr);
    }

    /// <summary>A first SVID for a token that the platform vouches for.</summary>
    /// <exception cref="MeshValidationException">The token or the request is refused.</exception>
    /// <exception cref="AttestationUnavailableException">Nobody can say at the moment.</exception>
    public async Task<SvidResponse> JoinAsync(IWorkloadAttestor attestor, string workload, string instance, string token, ReadOnlyMemory<byte> csr, CancellationToken cancellationToken)
    {
        var proved = await attestor.AttestAsync(token, cancellationToken);
        var refusal = proved.Refusal ?? (proved.Workload == workload && proved.Instance == instance ? null : $"its token is for '{proved.Instance}' of '{proved.Workload}'");
        var outcome = refusal is null ? JoinOutcome.Accepted : proved.Refusal is null ? JoinOutcome.WrongWorkload : JoinOutcome.Unknown;
        ControlPlaneMetrics.Joined(outcome);
        if (refusal is null) return Issue(workload, instance, csr.Span);
        LogRefused(logger, instance, workload, outcome);
        throw new MeshValidationException([MeshDiagnostics.JoinRefused.Found($"Sidecar '{instance}' of workload '{workload}' cannot join: {refusal}. See its service account and token with: kubectl describe pod {instance}")]);
    }

    /// <summary>A new SVID for a sidecar that has proved with its current one which workload it belongs to.</summary>
    /// <exception cref="MeshValidationException">The workload is gone, or the request is refused.</exception>
    public SvidResponse Renew(string workload, string instance, ReadOnlySpan<byte> csr)
    {
        if (registry.Input?.Index.Workload(workload) is null)
        {
            throw new MeshValidationException([MeshDiagnostics.UnknownWorkload.Found($"The workload '{workload}' is not in the mesh any more. Bring it back with .WithMesh().")]);
        }
        return Issue(workload, instance, csr);
    }

    private SvidResponse Issue(string workload, string instance, ReadOnlySpan<byte> csr)
    {
        if (authority is null)
        {
            throw new MeshValidationException([MeshDiagnostics.JoinRefused.Found($"Sidecar '{instance}' of workload '{workload}' gets no SVID here: this mesh's identities come from a SPIFFE Workload API. Publish the AppHost again, or name the API in its bootstrap.")]);
        }
        var id = SpiffeId.ForWorkload(TrustDomain.Parse(options.TrustDomain), options.Namespace, workload);
        var lifetime = options.SvidLifetime ?? registry.Input?.Index.Model.SvidLifetime ?? TimeSpan.FromHours(1);
        var root = authority.IssuingRoot;
        var issued = authority.Issue(id, instance, csr, lifetime);
        registry.With(instance, sidecar =>
        {
            if (sidecar.Workload != workload) return false;
            (sidecar.Joined, sidecar.SvidExpires, sidecar.SvidRoot, sidecar.SvidSerial) = (true, issued.Expires, Fingerprint.Of(root), issued.Serial);
            return true;
        });
        LogIssued(logger, id.ToString(), instance, issued.Expires);
        var response = new SvidResponse();
        response.Chain.AddRange(issued.Chain.Select(c => ByteString.CopyFrom(c)));
        response.Bundle.AddRange(authority.Roots.Select(r => ByteString.CopyFrom(r.RawData)));
        return response;
    }

    private static string Reason(JoinOutcome outcome) => outcome switch
    {
        JoinOutcome.Malformed => "what it showed is no join token",
        JoinOutcome.OtherMesh => "its token is of another mesh",
        JoinOutcome.Replayed => "its token was used before",
        JoinOutcome.Expired => "its token has expired",
        JoinOutcome.WrongWorkload => "its token is for another sidecar",
        _ => "its token was not issued by this control plane",
    };

    [LoggerMessage(20, LogLevel.Warning, "Refused to let sidecar '{Instance}' of workload '{Workload}' join: {Outcome} [MESH0300]")]
    private static partial void LogRefused(ILogger logger, string instance, string workload, JoinOutcome outcome);

    [LoggerMessage(21, LogLevel.Debug, "Issued an SVID for {Id} to sidecar '{Instance}', valid until {Expires:u}.")]
    private static partial void LogIssued(ILogger logger, string id, string instance, DateTimeOffset expires);
}
