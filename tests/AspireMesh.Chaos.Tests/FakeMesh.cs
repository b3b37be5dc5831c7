using System.Collections.Concurrent;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Tests;

/// <summary>A mesh of one edge whose calls obey the faults that are in force, in memory.</summary>
internal sealed class FakeMesh : IFaultController
{
    public ConcurrentDictionary<string, FaultRule> Faults { get; } = new();

    public List<string> Removed { get; } = [];

    /// <summary>What protects the caller: a retry.</summary>
    public bool Protected { get; set; } = true;

    public Task<bool> CallAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var hit = Faults.Values.Any(f => f.Fault.Kind == FaultKinds.Abort);
        return Task.FromResult(!hit || Protected);
    }

    public Task AddAsync(FaultRule rule, CancellationToken cancellationToken)
    {
        Faults[rule.Id] = rule;
        return Task.CompletedTask;
    }

    public Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        Assert.True(Faults.TryRemove(id, out _));
        Removed.Add(id);
        return Task.CompletedTask;
    }

    public ConcurrentDictionary<string, int> Leases { get; } = new();

    /// <summary>What sidecars would have counted: every call that met a fault.</summary>
    public List<FaultTally> Tallies { get; } = [];

    public Task SetLeaseAsync(FaultLease lease, CancellationToken cancellationToken)
    {
        Leases[lease.Owner] = lease.Seconds;
        return Task.CompletedTask;
    }

    public Task<FaultTally[]> TalliesAsync(CancellationToken cancellationToken) => Task.FromResult(Tallies.ToArray());

    public Task<MeshStatus> StatusAsync(CancellationToken cancellationToken) => Task.FromResult(new MeshStatus { TrustDomain = "t", Mtls = "strict" });

    public ChaosSession Open(TimeProvider? time = null) => new(this, time ?? TimeProvider.System, "test");
}
