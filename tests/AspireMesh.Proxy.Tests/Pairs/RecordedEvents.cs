using System.Collections.Concurrent;
using System.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Tests.Pairs;

/// <summary>Keeps everything a sidecar says about itself, for a test to look at.</summary>
internal sealed class RecordedEvents : IMeshEvents
{
    private readonly ConcurrentQueue<Refusal> _refusals = new();
    private readonly ConcurrentQueue<(ConnectionStart Start, ConnectionEnd End)> _connections = new();
    private readonly ConcurrentQueue<RequestEnd> _requests = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private readonly ConcurrentQueue<Refusal> _audits = new();
    private readonly ConcurrentQueue<string> _ejections = new();
    private readonly ConcurrentQueue<string> _probes = new();
    private int _handshakes;
    private int _plaintext;
    private int _attempts;

    public IReadOnlyCollection<Refusal> Refusals => _refusals;

    public IReadOnlyCollection<(ConnectionStart Start, ConnectionEnd End)> Connections => _connections;

    public IReadOnlyCollection<RequestEnd> Requests => _requests;

    public IReadOnlyCollection<string> Faults => _faults;

    public IReadOnlyCollection<Refusal> Audits => _audits;

    public IReadOnlyCollection<string> Ejections => _ejections;

    public IReadOnlyCollection<string> Probes => _probes;

    public int Handshakes => Volatile.Read(ref _handshakes);

    public int Plaintext => Volatile.Read(ref _plaintext);

    public int Attempts => Volatile.Read(ref _attempts);

    public IRequestEvents RequestStarted(in RequestStart request) => new Request(this);

    public void ConnectionEnded(in ConnectionStart connection, in ConnectionEnd end) => _connections.Enqueue((connection, end));

    public void HandshakeSeen(MeshSide side, SpiffeId peer) => Interlocked.Increment(ref _handshakes);

    public void Refused(in Refusal refusal) => _refusals.Enqueue(refusal);

    public void PlaintextTaken(string caller, string endpoint) => Interlocked.Increment(ref _plaintext);

    public void FaultFired(FaultRule rule, FaultEdge edge) => _faults.Enqueue(rule.Id);

    public void Audited(in Refusal refusal) => _audits.Enqueue(refusal);

    public void ProbeChanged(ClusterSnapshot cluster, DestinationSnapshot destination, bool healthy, string detail) => _probes.Enqueue($"{destination.Name} {healthy}");

    public void DestinationEjected(ClusterSnapshot cluster, string destination, string reason, TimeSpan time) => _ejections.Enqueue($"{destination} {reason}");

    /// <summary>Forgets everything, where a test looks at memory.</summary>
    public void Forget()
    {
        _refusals.Clear();
        _connections.Clear();
        _requests.Clear();
        _faults.Clear();
    }

    /// <summary>Waits until something was recorded; fails after a generous while, with what there is instead.</summary>
    public static async Task<T> EventuallyAsync<T>(Func<T?> look, Func<string>? instead = null)
        where T : struct
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (look() is { } found) return found;
            if (patience.IsCancellationRequested && instead is not null) Assert.Fail(instead());
            await Task.Delay(10, instead is null ? patience.Token : CancellationToken.None);
        }
    }

    /// <summary>Waits for the first refusal of a kind.</summary>
    public Task<Refusal> RefusalAsync(RefusalReason reason) =>
        EventuallyAsync(() => _refusals.Where(r => r.Reason == reason).Select(r => (Refusal?)r).FirstOrDefault());

    private sealed class Request(RecordedEvents events) : IRequestEvents, IAttemptEvents
    {
        public ActivityContext Trace => default;

        public IAttemptEvents AttemptStarted(ClusterSnapshot cluster, DestinationSnapshot destination, int number)
        {
            Interlocked.Increment(ref events._attempts);
            return this;
        }

        public void Ended(in RequestEnd end) => events._requests.Enqueue(end);

        public void Ended(in AttemptEnd end)
        {
        }
    }
}
