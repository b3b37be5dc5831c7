using System.Collections.Immutable;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Admin;

/// <summary>
/// Policies written beside an AppHost, as a JSON file, or sent to a running mesh. What it names replaces what the model says; what it leaves out stays.
/// </summary>
public sealed record PolicyDocument
{
    /// <summary>How inbound listeners treat plaintext; null leaves it.</summary>
    public MtlsMode? Mtls { get; init; }

    /// <summary>Policies of edges.</summary>
    public ImmutableArray<EdgePolicyEntry> Edges { get; init; } = [];

    /// <summary>Policies and labels of workloads.</summary>
    public ImmutableArray<WorkloadPolicyEntry> Workloads { get; init; } = [];
}

/// <summary>Policies of the edges that match.</summary>
public sealed record EdgePolicyEntry
{
    /// <summary>The caller; null for every caller of <see cref="To"/>.</summary>
    public string? From { get; init; }

    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The callee's endpoint; null for all.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The policies; those left out keep what the model says.</summary>
    public required EdgePolicies Policies { get; init; }
}

/// <summary>What one workload's inbound side enforces.</summary>
public sealed record WorkloadPolicyEntry
{
    /// <summary>The workload.</summary>
    public required string Name { get; init; }

    /// <summary>Its inbound policies, as a whole; null keeps the model's.</summary>
    public InboundPolicies? Inbound { get; init; }

    /// <summary>Labels to set.</summary>
    public ImmutableDictionary<string, string> Labels { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Weights to set, keyed by <see cref="SidecarModel.Instance"/>, 0 to 1,000,000.</summary>
    public ImmutableDictionary<string, double> Weights { get; init; } = ImmutableDictionary<string, double>.Empty;
}
