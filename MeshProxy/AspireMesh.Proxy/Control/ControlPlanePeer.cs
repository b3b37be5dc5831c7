using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;

namespace AspireMesh.Proxy.Control;

/// <summary>Decides whether the other end is this mesh's control plane: its SVID, chained to the bundle, with exactly the expected id.</summary>
internal sealed class ControlPlanePeer(SpiffeId expected, Func<X509Certificate2Collection> bundle)
{
    /// <summary>The name of the control plane among the workloads of its namespace.</summary>
    public const string Workload = "aspiremesh-control-plane";

    /// <summary>Why the last peer was refused; null when none was.</summary>
    public string? LastRefusal { get; private set; }

    /// <summary>The id of the control plane that a workload of the given namespace belongs to.</summary>
    public static SpiffeId IdFor(TrustDomain trustDomain, string ns) => SpiffeId.ForWorkload(trustDomain, ns, Workload);

    /// <summary>Checks the certificate of a handshake.</summary>
    public bool IsControlPlane(X509Certificate? presented, X509Chain? chain, DateTimeOffset now)
    {
        var intermediates = new X509Certificate2Collection();
        if (chain is not null)
        {
            intermediates.AddRange(chain.ChainPolicy.ExtraStore);
        }
        var leaf = presented as X509Certificate2;
        if (!SvidValidator.TryValidate(leaf, intermediates, bundle(), expected.TrustDomain, now, out var id, out var error))
        {
            LastRefusal = error;
            return false;
        }
        LastRefusal = id == expected ? null : $"it proved to be '{id}', not '{expected}'";
        return LastRefusal is null;
    }
}
