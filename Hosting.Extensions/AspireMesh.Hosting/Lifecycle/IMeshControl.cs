using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>The control plane as the AppHost sees it, in this process or in one of its own.</summary>
internal interface IMeshControl : IAsyncDisposable
{
    /// <summary>A sidecar's state changed: its instance name.</summary>
    event Action<string>? SidecarChanged;

    /// <summary>Where tools connect.</summary>
    RunFile Run { get; }

    /// <summary>The state of every sidecar and edge, as last known.</summary>
    MeshStatus Status { get; }

    /// <summary>Puts the model in force and opens the ports, or arranges for both.</summary>
    /// <exception cref="MeshValidationException">The model cannot work; carries every reason.</exception>
    Task StartAsync(MeshModel model, PolicyDocument? policies, CancellationToken cancellationToken);

    /// <summary>What a sidecar needs to start, with a fresh join token. Waits for a control plane that is starting.</summary>
    Task<SidecarBootstrap> CreateBootstrapAsync(string instance, CancellationToken cancellationToken);

    /// <summary>Says where an app listens.</summary>
    void SetAppAddress(AppAddressChange change);

    /// <summary>Says whether an app is there.</summary>
    void SetAppHealth(AppHealthChange change);

    /// <summary>Says where an app's connections come from.</summary>
    void SetCallerAddresses(CallerAddressesChange change);

    /// <summary>Gets a sidecar a new SVID.</summary>
    Task RenewAsync(string instance, CancellationToken cancellationToken);

    /// <summary>Moves the weight of one leg of a traffic split.</summary>
    /// <exception cref="MeshValidationException">There is no such edge, route or leg.</exception>
    Task MoveSplitAsync(SplitChange change, CancellationToken cancellationToken);

    /// <summary>Applies a policy document to the model in force.</summary>
    /// <exception cref="MeshValidationException">It cannot be applied; carries every reason.</exception>
    Task ApplyPoliciesAsync(string json, string source, CancellationToken cancellationToken);

    /// <summary>The next wish for an upgrade; waits until there is one. A control plane that is away is waited for.</summary>
    Task<UpgradeTicket> NextUpgradeAsync(CancellationToken cancellationToken);

    /// <summary>Says what became of it.</summary>
    Task AnswerUpgradeAsync(long id, UpgradeOutcome outcome, CancellationToken cancellationToken);

    /// <summary>Completes when every sidecar is connected, has its SVID and has acknowledged its snapshot.</summary>
    Task WaitForSidecarsAsync(CancellationToken cancellationToken);
}
