using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Runtime;

/// <summary>The sidecar's side of the control plane: joins, keeps the SVID fresh, receives snapshots, reports.</summary>
internal interface IControlLink : ISvidSource, IAsyncDisposable
{
    /// <summary>Gets the first SVID, retrying while the control plane cannot be reached. Throws when it refuses.</summary>
    Task JoinAsync(CancellationToken cancellationToken);

    /// <summary>Asks for a new SVID now.</summary>
    void RenewNow();

    /// <summary>The control plane asks the sidecar to let what runs finish, in this time, and to count on nothing new.</summary>
    event Action<TimeSpan>? DrainAsked;

    /// <summary>Watches until the token is cancelled, reconnecting as needed; hands every snapshot to the sink and answers ack or nack.</summary>
    Task RunAsync(ISnapshotSink sink, SidecarState state, CancellationToken cancellationToken);
}
