using System.Collections.Immutable;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Protocol.Admin;

/// <summary>Moves the weight of one leg of a traffic split; the other legs share the rest in their old proportion.</summary>
public sealed record SplitChange
{
    /// <summary>The caller.</summary>
    public required string From { get; init; }

    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The callee's endpoint; null where the edge has only one.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The route; null where only one has a split.</summary>
    public string? Route { get; init; }

    /// <summary>The leg: a workload's name, a label as <c>version=v2</c>, or a label's value. A workload that no leg leads to yet gets one.</summary>
    public required string Leg { get; init; }

    /// <summary>Its share, 0 to 100.</summary>
    public required int Percent { get; init; }
}

/// <summary>Changes how inbound listeners treat plaintext.</summary>
public sealed record MtlsChange
{
    /// <summary>The mode.</summary>
    public required MtlsMode Mode { get; init; }

    /// <summary>Go strict although callers still use plaintext.</summary>
    public bool Force { get; init; }
}

/// <summary>Where a workload's app listens.</summary>
public sealed record AppAddressChange
{
    /// <summary>The workload.</summary>
    public required string Workload { get; init; }

    /// <summary>The sidecar beside it.</summary>
    public required string Instance { get; init; }

    /// <summary>The endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary><c>host:port</c>; null when it is not known any more.</summary>
    public string? Address { get; init; }
}

/// <summary>Whether the app beside a sidecar is healthy.</summary>
public sealed record AppHealthChange
{
    /// <summary>The sidecar.</summary>
    public required string Instance { get; init; }

    /// <summary>Whether it is.</summary>
    public required bool Healthy { get; init; }

    /// <summary>Whether it runs all the same: an app that only fails its health check is still asked where no healthy one is left. Default false: it is gone.</summary>
    public bool Running { get; init; }
}

/// <summary>Where the connections of the app beside a sidecar come from, where that is not this machine's loopback: its container's addresses.</summary>
public sealed record CallerAddressesChange
{
    /// <summary>The sidecar.</summary>
    public required string Instance { get; init; }

    /// <summary>IP addresses; none while the app does not run.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];
}

/// <summary>Asks for what a sidecar needs to start.</summary>
public sealed record BootstrapRequest
{
    /// <summary>The sidecar.</summary>
    public required string Instance { get; init; }
}

/// <summary>Asks that a sidecar's process be replaced by one of the executable that lies there now.</summary>
public sealed record UpgradeRequest
{
    /// <summary>The sidecar.</summary>
    public required string Instance { get; init; }
}

/// <summary>A wish for an upgrade, on its way to who runs the processes.</summary>
public sealed record UpgradeTicket
{
    /// <summary>Names it in the answer.</summary>
    public required long Id { get; init; }

    /// <summary>The sidecar.</summary>
    public required string Instance { get; init; }
}

/// <summary>What became of an upgrade.</summary>
public sealed record UpgradeOutcome
{
    /// <summary>Why the process was not replaced; null when it was.</summary>
    public string? Problem { get; init; }

    /// <summary>It was ended and started again, because this system cannot pass open ports on: requests under way were lost.</summary>
    public bool Restarted { get; init; }

    /// <summary>The version that runs now; null where it is not known.</summary>
    public string? Version { get; init; }
}

/// <summary>Asks for new SVIDs.</summary>
public sealed record RenewChange
{
    /// <summary>One sidecar; null for all.</summary>
    public string? Instance { get; init; }
}

/// <summary>Takes or renews the lease of a session: when it runs out, the faults whose <see cref="Faults.FaultRule.Owner"/> it is are taken out.</summary>
public sealed record FaultLease
{
    /// <summary>The session's name.</summary>
    public required string Owner { get; init; }

    /// <summary>How long from now, 1 to 600; 0 gives it up, and takes the session's faults out at once.</summary>
    public required int Seconds { get; init; }
}
