using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>What puts faults into a mesh. The real one is the control plane's admin API.</summary>
internal interface IFaultController
{
    /// <summary>Adds a fault and returns when every sidecar that executes it has acknowledged it.</summary>
    Task AddAsync(FaultRule rule, CancellationToken cancellationToken);

    /// <summary>Removes a fault and returns when it is out of every sidecar.</summary>
    Task RemoveAsync(string id, CancellationToken cancellationToken);

    /// <summary>The figures by edge.</summary>
    Task<MeshStatus> StatusAsync(CancellationToken cancellationToken);
}

/// <summary>Through the admin API.</summary>
internal sealed class AdminFaultController(MeshAdminClient client) : IFaultController
{
    public Task AddAsync(FaultRule rule, CancellationToken cancellationToken) => client.AddFaultAsync(rule, cancellationToken);

    public Task RemoveAsync(string id, CancellationToken cancellationToken) => client.RemoveFaultAsync(id, cancellationToken);

    public Task<MeshStatus> StatusAsync(CancellationToken cancellationToken) => client.GetStatusAsync(cancellationToken);
}
