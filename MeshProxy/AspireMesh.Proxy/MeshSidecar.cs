using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy;

/// <summary>
/// One sidecar: an identity, the ports its snapshot names, and everything between them. Many can live in one process. Start once, stop once.
/// </summary>
public sealed class MeshSidecar : IAsyncDisposable
{
    private readonly SidecarEngine _engine;

    /// <summary>Makes a sidecar; nothing is opened before <see cref="StartAsync"/>.</summary>
    /// <param name="bootstrap">Who it is and where its control plane is.</param>
    /// <param name="options">What it takes from this process.</param>
    /// <exception cref="Protocol.Diagnostics.MeshValidationException">The bootstrap cannot be used; every problem is in it.</exception>
    public MeshSidecar(SidecarBootstrap bootstrap, MeshSidecarOptions options)
        : this(bootstrap, options, SidecarComposition.Create(bootstrap, options))
    {
    }

    internal MeshSidecar(SidecarBootstrap bootstrap, MeshSidecarOptions options, SidecarParts parts) => _engine = new SidecarEngine(bootstrap, options, parts);

    /// <summary>Completes when the first snapshot is in force and its listeners are open; faults when that snapshot is bad or the join was refused.</summary>
    public Task Ready => _engine.Ready;

    /// <summary>Where the admin listener is bound, <c>host:port</c>; null before the start and where it could not be opened.</summary>
    public string? AdminAddress => _engine.State.AdminAddress;

    /// <summary>Completes when a newer process has taken over this sidecar's ports: stop it then, which lets what runs finish.</summary>
    public Task HandedOver => _engine.HandedOver;

    internal SidecarState State => _engine.State;

    internal ISnapshotSink Snapshots => _engine.Snapshots;

    /// <summary>Opens the admin listener, joins, takes the first snapshot and opens its listeners.</summary>
    /// <exception cref="Protocol.Diagnostics.MeshValidationException">The first snapshot is bad.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => _engine.StartAsync(cancellationToken);

    /// <summary>Takes nothing new and lets what runs finish, for the snapshot's drain time or until the token, whichever is first; then ends the rest.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _engine.StopAsync(cancellationToken);

    /// <summary>Ends it at once, if it was not stopped before.</summary>
    public ValueTask DisposeAsync() => _engine.DisposeAsync();
}
