using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Identity.WorkloadApi;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Control;

/// <summary>Says everything that is wrong with a bootstrap.</summary>
internal static class BootstrapChecks
{
    /// <summary>Every problem; empty when it can be used.</summary>
    public static ImmutableArray<MeshProblem> Check(SidecarBootstrap bootstrap)
    {
        var problems = ImmutableArray.CreateBuilder<MeshProblem>();
        void Add(string what) => problems.Add(MeshDiagnostics.BadBootstrap.Found($"Sidecar '{bootstrap.Instance}': {what}. Start the sidecar's resource again."));

        if (bootstrap.Workload.Length == 0) Add("the bootstrap names no workload");
        if (bootstrap.Instance.Length == 0) Add("the bootstrap names no instance");
        if (!TrustDomain.TryParse(bootstrap.TrustDomain, out _, out var error)) Add(error);
        if (!Uri.TryCreate(bootstrap.ControlPlane, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttps)
        {
            Add($"'{bootstrap.ControlPlane}' is no control plane address; https://host:port is needed");
        }
        if (bootstrap.WorkloadApi is not null)
        {
            // It brings identity and roots; neither token nor bundle is looked at.
            if (!WorkloadApiAddress.TryParse(bootstrap.WorkloadApi, out _, out error)) Add(error);
            return problems.ToImmutable();
        }
        if (bootstrap.JoinToken is null && bootstrap.JoinTokenFile is null) Add("the bootstrap has neither a join token nor a file with one");
        if (bootstrap.TrustBundle.IsDefaultOrEmpty && bootstrap.TrustBundleFile is null) Add("the bootstrap has neither a trust bundle nor a file with one");
        else if (!bootstrap.TrustBundle.IsDefaultOrEmpty)
        {
            foreach (var pem in bootstrap.TrustBundle)
            {
                if (TrustBundle.Check(pem) is { } problem) Add(problem);
            }
        }
        return problems.ToImmutable();
    }

    /// <summary>The roots of a bundle that <see cref="Check"/> let pass.</summary>
    /// <exception cref="IOException">The bundle's file is missing, empty or holds no certificate yet.</exception>
    public static X509Certificate2Collection ReadRoots(SidecarBootstrap bootstrap)
    {
        var roots = new X509Certificate2Collection();
        foreach (var pem in bootstrap.TrustBundle.IsDefault ? [] : bootstrap.TrustBundle) roots.ImportFromPem(pem);
        if (bootstrap.TrustBundleFile is not { } file) return roots;
        if (!File.Exists(file)) throw new IOException($"the trust bundle '{file}' is not there yet");
        try
        {
            roots.ImportFromPem(File.ReadAllText(file));
        }
        catch (CryptographicException e)
        {
            throw new IOException($"the trust bundle '{file}' cannot be read: {e.Message}", e);
        }
        return roots.Count > 0 ? roots : throw new IOException($"the trust bundle '{file}' has no certificate yet");
    }
}
