using System.Collections.Immutable;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Runtime;

/// <summary>What a sidecar can say about itself, for health, admin and the hello to the control plane.</summary>
internal sealed class SidecarState(SidecarBootstrap bootstrap, RuntimeHolder runtime, ISvidSource svids)
{
    private volatile bool _ready;
    private volatile bool _draining;
    private volatile string? _adminAddress;
    private volatile string? _inboundAddress;
    private ImmutableDictionary<string, string> _listenerProblems = ImmutableDictionary<string, string>.Empty;

    public SidecarBootstrap Bootstrap { get; } = bootstrap;

    /// <summary>The snapshot in force; null before the first.</summary>
    public MeshSnapshot? Snapshot => runtime.CurrentOrNull?.Snapshot;

    /// <summary>What faults change about this message from the control plane, or this attempt to reach it.</summary>
    public ControlChange ControlFault() => runtime.CurrentOrNull?.Rules.DecideControl()?.Control() ?? default;

    /// <summary>The SVID in use; null before the first.</summary>
    public Svid? Svid => svids.Current;

    /// <summary>The first snapshot is in force and its listeners are open.</summary>
    public bool IsReady { get => _ready; set => _ready = value; }

    /// <summary>Going away: finishes what runs, takes nothing new.</summary>
    public bool IsDraining { get => _draining; set => _draining = value; }

    /// <summary>Where the admin listener is bound, <c>host:port</c>; null while it is not.</summary>
    public string? AdminAddress => _adminAddress;

    /// <summary>Where the inbound listener is bound, <c>host:port</c>; null while it is not.</summary>
    public string? InboundAddress => _inboundAddress;

    /// <summary>A listener was opened, at once or after its port had been in use.</summary>
    public void SetBound(MeshSide side, string address)
    {
        if (side == MeshSide.Admin) _adminAddress = address;
        else if (side == MeshSide.Inbound) _inboundAddress = address;
    }

    /// <summary>Listeners that could not be opened and are being retried, a line each by listener name.</summary>
    public ImmutableDictionary<string, string> ListenerProblems => Volatile.Read(ref _listenerProblems);

    public void SetListenerProblem(string listener, string problem) =>
        ImmutableInterlocked.AddOrUpdate(ref _listenerProblems, listener, problem, (_, _) => problem);

    public void ClearListenerProblem(string listener) => ImmutableInterlocked.TryRemove(ref _listenerProblems, listener, out _);
}
