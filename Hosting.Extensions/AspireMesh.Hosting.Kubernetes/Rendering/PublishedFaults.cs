using AspireMesh.Protocol.Faults;

namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>Which faults may be said in another mesh's words.</summary>
internal static class PublishedFaults
{
    /// <summary>Whether a rule is about fewer requests than a share of an edge's: another mesh, which counts nothing, would hit more than was meant.</summary>
    public static bool IsNarrowed(FaultRule rule) => rule.Match is not null || rule.Activation != new FaultActivation { Percent = rule.Activation.Percent };
}
