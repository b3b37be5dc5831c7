using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>What puts faults into a mesh. The real one is the control plane's admin API.</summary>
internal interface IFaultController
{
    /// <summary>Adds a fault and returns when every sidecar that executes it has acknowledged it.</summary>
    Task AddAsync(FaultRule rule, CancellationToken cancellationToken);

    /// <summary>Removes a fault and returns when it is out of every sidecar. One that is gone already is no error.</summary>
    Task RemoveAsync(string id, CancellationToken cancellationToken);

    /// <summary>Takes, renews or gives up a session's lease.</summary>
    Task SetLeaseAsync(FaultLease lease, CancellationToken cancellationToken);

    /// <summary>What faults decided.</summary>
    Task<FaultTally[]> TalliesAsync(CancellationToken cancellationToken);

    /// <summary>The figures by edge.</summary>
    Task<MeshStatus> StatusAsync(CancellationToken cancellationToken);
}

/// <summary>Through the admin API.</summary>
internal sealed class AdminFaultController(MeshAdminClient client) : IFaultController
{
    public Task AddAsync(FaultRule rule, CancellationToken cancellationToken) => client.AddFaultAsync(rule, cancellationToken);

    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await client.RemoveFaultAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (MeshValidationException e) when (e.Problems.All(p => p.Id == MeshDiagnostics.UnknownFault.Id))
        {
            // Its time or its lease was over: it is out, which is what was asked for.
            return;
        }
    }

    public Task SetLeaseAsync(FaultLease lease, CancellationToken cancellationToken) => client.SetFaultLeaseAsync(lease, cancellationToken);

    public Task<FaultTally[]> TalliesAsync(CancellationToken cancellationToken) => client.GetFaultTalliesAsync(cancellationToken);

    public Task<MeshStatus> StatusAsync(CancellationToken cancellationToken) => client.GetStatusAsync(cancellationToken);
}
