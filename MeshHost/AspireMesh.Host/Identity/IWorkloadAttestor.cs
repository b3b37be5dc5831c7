namespace AspireMesh.Host.Identity;

/// <summary>Says who a sidecar is where the platform vouches for it (a service-account token in a cluster) instead of a join token of ours.</summary>
public interface IWorkloadAttestor
{
    /// <summary>Decides about a token. What the sidecar said about itself plays no part; the caller compares.</summary>
    /// <exception cref="AttestationUnavailableException">Nobody can say at the moment; the sidecar tries again.</exception>
    Task<Attestation> AttestAsync(string token, CancellationToken cancellationToken);

    /// <summary>
    /// A sidecar that the model does not have opened its stream with an SVID of this mesh: it joined before this control plane started, or through another one.
    /// True when it is taken into the model.
    /// </summary>
    bool Readmit(string workload, string instance);
}

/// <summary>What a token proves.</summary>
/// <param name="Workload">The workload, when accepted.</param>
/// <param name="Instance">The sidecar, when accepted.</param>
/// <param name="Refusal">Half a sentence when it proves nothing; null when accepted.</param>
public sealed record Attestation(string Workload, string Instance, string? Refusal)
{
    /// <summary>The token proves nothing.</summary>
    public static Attestation Refused(string why) => new("", "", why);
}

/// <summary>Tokens cannot be looked at right now. Not a refusal.</summary>
public sealed class AttestationUnavailableException : Exception
{
    /// <summary>Says why.</summary>
    public AttestationUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
