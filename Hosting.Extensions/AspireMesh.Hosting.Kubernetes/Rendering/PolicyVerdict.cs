namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>What became of a policy. Nothing is dropped in silence.</summary>
public enum VerdictKind
{
    /// <summary>The same, in the other mesh's words.</summary>
    Rendered,

    /// <summary>Nearly the same; the verdict says how it differs.</summary>
    Approximated,

    /// <summary>Our sidecar beside the other mesh's does it.</summary>
    Kept,

    /// <summary>It is not there; the verdict says why.</summary>
    Refused,
}

/// <summary>The verdict on one policy.</summary>
/// <param name="Item">The policy.</param>
/// <param name="Kind">What became of it.</param>
/// <param name="Reason">How or why; for <see cref="VerdictKind.Rendered"/> the resource that carries it.</param>
public sealed record PolicyVerdict(PolicyItem Item, VerdictKind Kind, string Reason);
