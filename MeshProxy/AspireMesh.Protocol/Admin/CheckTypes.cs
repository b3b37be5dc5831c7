using System.Collections.Immutable;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Protocol.Admin;

/// <summary>What <c>aspiremesh check</c> found.</summary>
public sealed record CheckResult
{
    /// <summary>Every workload is healthy, has its SVID and has acknowledged its snapshot.</summary>
    public required bool Healthy { get; init; }

    /// <summary>What is wrong, each with the next line to type.</summary>
    public ImmutableArray<MeshProblem> Problems { get; init; } = [];

    /// <summary>What is worth knowing but wrong with nothing: callers that still use plaintext in permissive mode, a rotation under way.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];
}

/// <summary>Why the admin API refused a request.</summary>
public sealed record AdminRefusal
{
    /// <summary>Every reason.</summary>
    public required ImmutableArray<MeshProblem> Problems { get; init; }
}

/// <summary>The CA and every sidecar's SVID, without any key.</summary>
public sealed record CertificatesView
{
    /// <summary>The trust domain.</summary>
    public required string TrustDomain { get; init; }

    /// <summary>Whether the user gave the CA.</summary>
    public bool Given { get; init; }

    /// <summary>The SPIFFE Workload API that gives out identities and roots instead of a CA; null where there is a CA.</summary>
    public string? WorkloadApi { get; init; }

    /// <summary>What a rotation waits for; null when none runs.</summary>
    public string? Rotation { get; init; }

    /// <summary>The trusted roots, oldest first.</summary>
    public ImmutableArray<RootView> Roots { get; init; } = [];

    /// <summary>The SVIDs.</summary>
    public ImmutableArray<SvidView> Svids { get; init; } = [];

    /// <summary>How often joins ended in which way since the start: <c>accepted</c>, <c>replayed</c>, <c>expired</c>, …</summary>
    public ImmutableDictionary<string, long> Joins { get; init; } = ImmutableDictionary<string, long>.Empty;
}

/// <summary>One trusted root.</summary>
public sealed record RootView
{
    /// <summary>Its subject.</summary>
    public required string Subject { get; init; }

    /// <summary>SHA-256 of the certificate, lower-case hex.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>End of its life, UTC.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>Whether new SVIDs chain to it.</summary>
    public bool Issuing { get; init; }

    /// <summary>The certificate, PEM.</summary>
    public required string Pem { get; init; }
}

/// <summary>One sidecar's SVID.</summary>
public sealed record SvidView
{
    /// <summary>The sidecar.</summary>
    public required string Instance { get; init; }

    /// <summary>Its SPIFFE ID.</summary>
    public required string Identity { get; init; }

    /// <summary>End of its life, UTC; null before the first.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Fingerprint of the root it chains to.</summary>
    public string? Root { get; init; }
}
