using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Kubernetes.Watching;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Issuing;

/// <summary>
/// Keeps the control plane in possession of an intermediate CA from the cluster's issuer: takes up the kept one at the start, or waits for a first one; renews it
/// when two thirds of its life are over; follows the issuer to another root by overlap. An issuer that refuses or is away changes nothing while the intermediate
/// at hand is valid.
/// </summary>
internal sealed partial class IssuedAuthority(CertManagerIssuer issuer, IAuthorityStore store, ClusterOptions options, Random random, ILogger logger)
{
    /// <summary>What the control plane starts with. Without <c>Signer</c> it begins with the CA of its own that it had before, and changes over while it runs.</summary>
    public async Task<(GivenAuthority? Signer, ImmutableArray<X509Certificate2> AlsoTrusted)> StartAsync(CancellationToken cancellationToken)
    {
        var stored = store.Load();
        if (stored is { Signer: null }) return (null, []);
        ImmutableArray<X509Certificate2> trusted = stored is null ? [] : [.. stored.Roots.Select(r => X509Certificate2.CreateFromPem(r.Certificate))];
        if (stored?.Signer is { } kept && Kept(kept) is { } given) return (given, trusted);
        var pauses = new Pauses(options.RetryPause, random);
        while (true)
        {
            try
            {
                return (await issuer.RequestAsync(cancellationToken), trusted);
            }
            catch (Exception e) when (ApiFailure.Is(e) || e is MeshValidationException)
            {
                LogNone(logger, Explain(e));
                await Task.Delay(pauses.Next(), options.TimeProvider, cancellationToken);
            }
        }
    }

    /// <summary>Renews until cancelled.</summary>
    public async Task RunAsync(MeshControlPlane mesh, CancellationToken cancellationToken)
    {
        var pauses = new Pauses(options.RetryPause, random);
        var authority = mesh.Authority!;
        // Where a rotation was cut short by the end of the process before this one, it is brought to its end first.
        var unfinished = authority.Given is { } current && authority.Roots.Length > 1 ? current : null;
        var next = unfinished;
        while (true)
        {
            try
            {
                if (next is null)
                {
                    await WaitAsync(authority, cancellationToken);
                    next = await issuer.RequestAsync(cancellationToken);
                }
                await mesh.ReplaceAuthorityAsync(next, cancellationToken);
                LogTaken(logger, next.Signer.NotAfter.ToUniversalTime(), next.Root.Subject);
                next = null;
                pauses.Reset();
            }
            catch (Exception e) when (ApiFailure.Is(e) || e is MeshValidationException)
            {
                LogKept(logger, authority.GivenUntil?.ToString("u") ?? "further notice", Explain(e));
                await Task.Delay(pauses.Next(), options.TimeProvider, cancellationToken);
            }
        }
    }

    private async Task WaitAsync(CertificateAuthority authority, CancellationToken cancellationToken)
    {
        if (authority.Given is not { } given) return;
        var (from, until) = (given.Signer.NotBefore.ToUniversalTime(), given.Signer.NotAfter.ToUniversalTime());
        // Replicas and meshes that began together do not ask together.
        var due = from + ((until - from) * (0.63 + (random.NextDouble() * 0.07)));
        while (due - options.TimeProvider.GetUtcNow().UtcDateTime is { Ticks: > 0 } left)
        {
            await Task.Delay(left < TimeSpan.FromDays(1) ? left : TimeSpan.FromDays(1), options.TimeProvider, cancellationToken);
        }
    }

    private GivenAuthority? Kept(StoredSigner kept)
    {
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(kept.Chain);
            var signer = X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), kept.Key);
            if (signer.NotAfter.ToUniversalTime() > options.TimeProvider.GetUtcNow().UtcDateTime) return new GivenAuthority(signer, [.. chain.Skip(1).SkipLast(1)], chain[^1]);
            LogExpired(logger, signer.NotAfter.ToUniversalTime());
            return null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new MeshValidationException([MeshDiagnostics.BadCertificateAuthority.Found($"The Secret '{ClusterNames.AuthoritySecret}' has an intermediate CA that cannot be read ({e.Message}). Delete it to get a new one.")]);
        }
    }

    private static string Explain(Exception e) => e is MeshValidationException ? e.Message : $"{ApiFailure.Explain(e, "create, get, delete", "certificaterequests.cert-manager.io")}.";

    [LoggerMessage(62, LogLevel.Error, "This replica leads but has no intermediate CA to issue from: {Reason} It is asked for again.")]
    private static partial void LogNone(ILogger logger, string reason);

    [LoggerMessage(63, LogLevel.Warning, "The intermediate CA in use until {Until} could not be replaced: {Reason} It stays in use, and the next is asked for again.")]
    private static partial void LogKept(ILogger logger, string until, string reason);

    [LoggerMessage(64, LogLevel.Information, "SVIDs are issued from another intermediate CA, valid until {Until:u}, below '{Root}'.")]
    private static partial void LogTaken(ILogger logger, DateTime until, string root);

    [LoggerMessage(65, LogLevel.Warning, "The kept intermediate CA expired at {At:u}; another one is asked for.")]
    private static partial void LogExpired(ILogger logger, DateTime at);
}
