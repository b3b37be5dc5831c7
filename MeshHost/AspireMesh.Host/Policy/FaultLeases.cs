using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Host.Policy;

/// <summary>
/// Who says now and then that it is still there. Faults live in the mesh and not in the process that put them in, so a test that was killed
/// would leave them behind until their time is over: its lease runs out before.
/// </summary>
internal sealed class FaultLeases(MeshIntent intent, TimeProvider time) : IDisposable
{
    private const int LongestSeconds = 600;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ITimer> _timers = [];

    /// <summary>Takes, renews or gives up a lease.</summary>
    public void Set(FaultLease lease)
    {
        var problems = new ProblemList();
        if (string.IsNullOrWhiteSpace(lease.Owner)) problems.Add(MeshDiagnostics.BadFault, "A lease without an owner. Give it the name of the session.");
        problems.Range($"Lease of '{lease.Owner}'", "Seconds", lease.Seconds, 0, LongestSeconds);
        problems.ThrowIfAny();
        if (lease.Seconds == 0)
        {
            End(lease.Owner);
            return;
        }
        lock (_gate)
        {
            if (!_timers.TryGetValue(lease.Owner, out var timer)) _timers[lease.Owner] = timer = time.CreateTimer(_ => End(lease.Owner), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            timer.Change(TimeSpan.FromSeconds(lease.Seconds), Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var timer in _timers.Values) timer.Dispose();
            _timers.Clear();
        }
    }

    private void End(string owner)
    {
        lock (_gate)
        {
            if (_timers.Remove(owner, out var timer)) timer.Dispose();
        }
        intent.RemoveFaultsOf(owner);
    }
}
