using System.Net;
using System.Net.Sockets;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Opaque;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Interception;

/// <summary>
/// Connections that an app made to addresses of its own and that redirect rules led here. One to an address of a declared edge goes on as if it had come in on that
/// edge's listener, with the same routes and policies. Any other is passed on to where it was going, or refused, as the snapshot says.
/// </summary>
internal sealed class InterceptedConnections(OpenConnections open, IMeshEvents events, TimeProvider time)
{
    /// <summary>The listener's name among the targets.</summary>
    public const string ListenerName = "intercepted";

    private const string Endpoint = "undeclared";
    private const string LoopbackOfIp6 = "00000000000000000000000000000001";
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    /// <summary>Where the listener binds: the address of the snapshot, and the same port of IPv6's loopback where this machine has that.</summary>
    public static IEnumerable<IPEndPoint> Listens(InterceptionSnapshot interception)
    {
        if (!HostPort.TryParseListen(interception.Listen, out var listen)) yield break;
        yield return listen;
        if (listen.Address.Equals(IPAddress.Loopback) && HasIp6Loopback()) yield return new IPEndPoint(IPAddress.IPv6Loopback, listen.Port);
    }

    /// <summary>Decides about a connection.</summary>
    /// <param name="socket">Nothing has been read from it yet.</param>
    /// <param name="runtime">The snapshot in force.</param>
    /// <param name="enter">Lets it in at the listener of an edge.</param>
    public void Take(Socket socket, SidecarRuntime runtime, Action<OutboundListener> enter)
    {
        var original = OriginalDestination.Of(socket);
        if (original is not null && runtime.Intercepted.TryGetValue(original.ToString(), out var listener))
        {
            enter(listener);
            return;
        }
        var refusal = new Refusal(MeshSide.Outbound, RefusalReason.Denied, Endpoint, runtime.Snapshot.Workload, Detail: original is null ? "it was made to the listener of intercepted connections itself" : $"{original} is no destination that is declared");
        if (original is null || runtime.Snapshot.Interception is not { RefuseUndeclared: false })
        {
            SocketEnd.Reset(socket);
            events.Refused(refusal);
            return;
        }
        events.Audited(refusal);
        open.Run(cut => PassAsync(socket, original, cut));
    }

    private async Task PassAsync(Socket socket, IPEndPoint original, CancellationToken cut)
    {
        var app = new SocketStream(socket);
        var target = new Socket(original.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = new CancellationTokenSource(ConnectLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cut);
        try
        {
            await target.ConnectAsync(original, either.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            target.Dispose();
            app.Reset();
            return;
        }
        await Splice.RunAsync(app, new SocketStream(target), TimeSpan.Zero, time, cut);
    }

    private static bool HasIp6Loopback()
    {
        const string Addresses = "/proc/net/if_inet6";
        return File.Exists(Addresses) && File.ReadLines(Addresses).Any(l => l.StartsWith(LoopbackOfIp6, StringComparison.Ordinal));
    }
}
