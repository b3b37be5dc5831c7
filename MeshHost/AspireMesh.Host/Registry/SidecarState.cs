using System.Collections.Immutable;
using AspireMesh.Host.Distribution;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Host.Registry;

/// <summary>What the control plane knows about one sidecar at run time. Guarded by the lock of <see cref="SidecarRegistry"/>.</summary>
internal sealed class SidecarState(string instance, string workload)
{
    public string Instance => instance;

    public string Workload => workload;

    /// <summary>Whether it ever got an SVID from this mesh: only such sidecars hold up a rotation.</summary>
    public bool Joined { get; set; }

    public SidecarConnection? Connection { get; set; }

    /// <summary>The snapshot it should obey.</summary>
    public CompiledSnapshot? Snapshot { get; set; }

    /// <summary>The version it last said it obeys.</summary>
    public long AcknowledgedVersion { get; set; }

    /// <summary>The version it refused last, with every reason; 0 once it has acknowledged a later one.</summary>
    public long RefusedVersion { get; set; }

    public ImmutableArray<string> RefusedReasons { get; set; } = [];

    /// <summary>End of the SVID that was issued last.</summary>
    public DateTimeOffset? SvidExpires { get; set; }

    /// <summary>End of the SVID that the sidecar says it uses.</summary>
    public DateTimeOffset? SvidReported { get; set; }

    /// <summary>Serial number of the SVID that was issued last; null where that was another control plane's.</summary>
    public string? SvidSerial { get; set; }

    /// <summary>Serial number of the SVID that the sidecar says it uses; null where it does not say.</summary>
    public string? SerialReported { get; set; }

    /// <summary>Thumbprint of the root that its last SVID chains to.</summary>
    public string? SvidRoot { get; set; }

    public string? ProxyVersion { get; set; }

    public Dictionary<(string To, string Endpoint), EdgeTotals> Edges { get; } = [];

    /// <summary>What faults decided at it, as it last reported.</summary>
    public ImmutableArray<FaultTally> Faults { get; set; } = [];

    /// <summary>Who called in plaintext: how often in all, and when last.</summary>
    public Dictionary<string, (long Count, DateTimeOffset Last)> Plaintext { get; } = [];

    /// <summary>How long a plaintext caller is remembered: after that, strict mode would do it no harm.</summary>
    public static readonly TimeSpan PlaintextMemory = TimeSpan.FromMinutes(1);

    /// <summary>Not there, or has taken or refused the snapshot it should obey.</summary>
    public bool HasAnswered => Connection is null || Snapshot is null || AcknowledgedVersion == Snapshot.Version || RefusedVersion == Snapshot.Version;

    /// <summary>Connected, and obeying the snapshot it should.</summary>
    public bool IsSynchronized => Connection is not null && Snapshot is not null && AcknowledgedVersion == Snapshot.Version;
}

/// <summary>What a sidecar's certificate says when it connects.</summary>
/// <param name="Expires">Its end.</param>
/// <param name="Root">Thumbprint of the root it chains to.</param>
internal sealed record ShownSvid(DateTimeOffset Expires, string? Root);
