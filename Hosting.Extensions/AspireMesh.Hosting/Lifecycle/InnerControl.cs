using AspireMesh.Host;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>The control plane inside the AppHost's process.</summary>
internal sealed class InnerControl(ControlPlaneOptions options) : IMeshControl
{
    private readonly MeshControlPlane _mesh = new(options);

    /// <inheritdoc/>
    public event Action<string>? SidecarChanged
    {
        add => _mesh.SidecarChanged += value;
        remove => _mesh.SidecarChanged -= value;
    }

    /// <inheritdoc/>
    public RunFile Run => new() { AppHost = options.Name, Pid = Environment.ProcessId, Admin = _mesh.AdminAddress, Token = _mesh.AdminToken };

    /// <inheritdoc/>
    public MeshStatus Status => _mesh.GetStatus();

    /// <inheritdoc/>
    public Task StartAsync(MeshModel model, PolicyDocument? policies, CancellationToken cancellationToken)
    {
        _mesh.ApplyModel(model);
        if (policies is not null) _mesh.ApplyPolicies(policies);
        return _mesh.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task<SidecarBootstrap> CreateBootstrapAsync(string instance, CancellationToken cancellationToken) => Task.FromResult(_mesh.CreateBootstrap(instance));

    /// <inheritdoc/>
    public void SetAppAddress(AppAddressChange change) => _mesh.SetAppAddress(change.Workload, change.Instance, change.Endpoint, change.Address);

    /// <inheritdoc/>
    public void SetAppHealth(AppHealthChange change) => _mesh.SetAppHealth(change.Instance, change.Healthy, change.Running);

    /// <inheritdoc/>
    public void SetCallerAddresses(CallerAddressesChange change) => _mesh.SetCallerAddresses(change.Instance, change.Addresses);

    /// <inheritdoc/>
    public Task RenewAsync(string instance, CancellationToken cancellationToken)
    {
        _mesh.RenewNow(instance);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task MoveSplitAsync(SplitChange change, CancellationToken cancellationToken)
    {
        _mesh.MoveSplit(change);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task ApplyPoliciesAsync(string json, string source, CancellationToken cancellationToken)
    {
        _mesh.ApplyPolicies(MeshDocument.ReadPolicies(json, source));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<UpgradeTicket> NextUpgradeAsync(CancellationToken cancellationToken) => _mesh.NextUpgradeAsync(cancellationToken);

    /// <inheritdoc/>
    public Task AnswerUpgradeAsync(long id, UpgradeOutcome outcome, CancellationToken cancellationToken)
    {
        _mesh.AnswerUpgrade(id, outcome);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task WaitForSidecarsAsync(CancellationToken cancellationToken) => _mesh.WaitForSidecarsAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _mesh.DisposeAsync();
}
