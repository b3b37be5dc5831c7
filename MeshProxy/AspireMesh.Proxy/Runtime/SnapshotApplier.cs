using System.Collections.Immutable;
using System.Net;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Interception;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Puts snapshots in force, one at a time: check, compile, trust, swap, listeners. A bad one changes nothing.</summary>
internal sealed class SnapshotApplier(
    SidecarState state, RuntimeHolder holder, IHttpPipeline pipeline, TrustBundle bundle, ListenerSet listeners, IMeshEvents events, IPEndPoint? adminListen)
    : ISnapshotSink
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the first snapshot; faults when that one is bad.</summary>
    public Task First => _first.Task;

    /// <summary>Raised after a snapshot changed the trusted roots.</summary>
    public event Action? TrustChanged;

    /// <summary>Raised after a snapshot brought or took faults that only new connections meet.</summary>
    public event Action? FaultsChanged;

    /// <summary>Opens the admin listener before there is any snapshot, so that health can be asked from the start.</summary>
    public async Task OpenAdminAsync()
    {
        if (adminListen is null) return;
        await listeners.ApplyAsync([(adminListen, AdminTarget)]);
    }

    public async ValueTask<IReadOnlyList<string>> ApplyAsync(MeshSnapshot snapshot, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var previous = holder.CurrentOrNull;
            var errors = SnapshotChecks.Check(snapshot, state.Bootstrap);
            // Policies are compiled only from a snapshot whose names resolve; otherwise one mistake would be reported many times over.
            var rules = errors.Count == 0 ? pipeline.Compile(snapshot, previous?.Rules, errors) : null;
            if (rules is null || errors.Count > 0) return Refuse(snapshot, errors);
            if (bundle.Replace(snapshot.TrustBundle)) TrustChanged?.Invoke();
            holder.Replace(SidecarRuntime.Create(snapshot, rules));
            if (NeedsNewConnections(snapshot, previous)) FaultsChanged?.Invoke();
            await listeners.ApplyAsync(Wanted(snapshot));
            state.IsReady = true;
            events.SnapshotApplied(snapshot);
            _first.TrySetResult();
            return errors;
        }
        finally
        {
            _gate.Release();
        }
    }

    public static ListenerTarget InboundTarget { get; } = new(MeshSide.Inbound, "inbound");

    public static ListenerTarget EgressTarget { get; } = new(MeshSide.Egress, "egress");

    public static ListenerTarget InterceptedTarget { get; } = new(MeshSide.Outbound, InterceptedConnections.ListenerName);

    public static ListenerTarget AdminTarget { get; } = new(MeshSide.Admin, "admin");

    // A fault of handshakes acts where a handshake is; and a stream that was spliced to its app is not looked into again, whatever its endpoint's rules are by now.
    private static bool NeedsNewConnections(MeshSnapshot snapshot, SidecarRuntime? previous)
    {
        if (previous is null) return false;
        if (snapshot.Inbound.Endpoints.Any(e => e.WorksOnRequests && previous.Inbound.TryGetValue(e.Name, out var before) && !before.WorksOnRequests)) return true;
        return !OfHandshakes(snapshot).SequenceEqual(OfHandshakes(previous.Snapshot));

        static IEnumerable<(string, string)> OfHandshakes(MeshSnapshot snapshot) => snapshot.Faults.Where(f => FaultKinds.OnTls.Contains(f.Fault.Kind)).Select(f => (f.Id, f.Fault.Kind));
    }

    private List<string> Refuse(MeshSnapshot snapshot, List<string> errors)
    {
        events.SnapshotRefused(snapshot.Version, errors);
        if (holder.CurrentOrNull is null)
        {
            _first.TrySetException(new MeshValidationException([.. errors.Select(e => MeshDiagnostics.SnapshotRefused.Found($"'{state.Bootstrap.Instance}': {e}"))]));
        }
        return errors;
    }

    private List<(IPEndPoint EndPoint, ListenerTarget Target)> Wanted(MeshSnapshot snapshot)
    {
        var wanted = new List<(IPEndPoint, ListenerTarget)>();
        if (adminListen is not null) wanted.Add((adminListen, AdminTarget));
        Add(snapshot.Inbound.Listen, InboundTarget);
        if (snapshot.Egress is { } egress) Add(egress.Listen, EgressTarget);
        foreach (var listener in snapshot.Outbound) Add(listener.Listen, new ListenerTarget(MeshSide.Outbound, listener.Name));
        foreach (var gateway in snapshot.Gateways) Add(gateway.Listen, new ListenerTarget(MeshSide.Gateway, gateway.Name));
        if (snapshot.Interception is { } interception) wanted.AddRange(InterceptedConnections.Listens(interception).Select(l => (l, InterceptedTarget)));
        return wanted;

        void Add(string listen, ListenerTarget target)
        {
            if (HostPort.TryParseListen(listen, out var endPoint)) wanted.Add((endPoint, target));
        }
    }
}
