using System.Net;
using System.Net.Sockets;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Rehearsal.Pods;
using AspireMesh.Rehearsal.StandIn;

namespace AspireMesh.Rehearsal;

/// <summary>A port of this machine that leads to the admin API of whichever replica of the control plane leads, as a port-forward would.</summary>
internal sealed class LeaderForward : IAsyncDisposable
{
    private readonly StoredObjects _objects;
    private readonly IPodSite _site;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public LeaderForward(StoredObjects objects, IPodSite site)
    {
        (_objects, _site) = (objects, site);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The port.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary><c>http://host:port</c>.</summary>
    public string Address => $"http://{_listener.LocalEndpoint}";

    /// <summary>The leader's pod; null while nobody leads.</summary>
    public string? Leader => ((string?)_objects.Read("leases", ClusterNames.ControlPlane)?["spec"]?["holderIdentity"])?.Split('@')[0] is { Length: > 0 } pod ? pod : null;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ForwardAsync(await _listener.AcceptSocketAsync(_stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Stopping, or the client was gone before it was taken: the port itself is fine.
                continue;
            }
        }
    }

    private async Task ForwardAsync(Socket accepted)
    {
        using var from = accepted;
        try
        {
            if (Leader is not { } pod) return;
            using var to = await _site.ConnectAsync(pod, ClusterNames.AdminPort, _stop.Token);
            await using var up = new NetworkStream(from);
            await using var down = new NetworkStream(to);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var there = up.CopyToAsync(down, ended.Token);
            var back = down.CopyToAsync(up, ended.Token);
            await Task.WhenAny(there, back);
            await ended.CancelAsync();
            await Task.WhenAll(there, back);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The client sees its connection end; it is the one to say something.
            return;
        }
    }
}
