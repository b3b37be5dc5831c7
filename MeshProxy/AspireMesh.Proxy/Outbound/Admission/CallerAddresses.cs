using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Outbound.Admission;

/// <summary>
/// Whose connections an outbound listener or the forward proxy takes where others than the app could reach it: an app in a container calls across the engine's bridge, and so could every
/// other container. An app may be quicker than the news of its address, so who comes before that is known is held for a moment instead of being refused.
/// </summary>
internal sealed class CallerAddresses(RuntimeHolder holder, IMeshEvents events, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Whether the listener takes only some callers.</summary>
    public bool AreAsked(ListenerTarget listener) => Of(listener) is not null;

    /// <summary>Whether the connection is the app's. One that is not is counted.</summary>
    public async ValueTask<bool> IsKnownAsync(Socket socket, ListenerTarget listener, CancellationToken cancellationToken)
    {
        if (socket.From() is not { } caller) return false;
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        while (true)
        {
            var replaced = holder.Replaced;
            if (Of(listener) is not { } taken || taken.Any(a => IPAddress.Parse(a).Equals(caller))) return true;
            if (taken.Length > 0) return Refuse(listener, caller, "another address than the app's");
            await replaced.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (either.IsCancellationRequested) return Refuse(listener, caller, "the app's address is not known yet");
        }
    }

    private ImmutableArray<string>? Of(ListenerTarget listener) => listener.Side switch
    {
        MeshSide.Outbound => holder.Current.Outbound.GetValueOrDefault(listener.Name)?.TakesFrom,
        MeshSide.Egress => holder.Current.Snapshot.Egress?.TakesFrom,
        _ => null,
    };

    private bool Refuse(ListenerTarget listener, IPAddress caller, string detail)
    {
        events.Refused(new Refusal(listener.Side, RefusalReason.Denied, listener.Name, caller.ToString(), Detail: detail));
        return false;
    }
}
