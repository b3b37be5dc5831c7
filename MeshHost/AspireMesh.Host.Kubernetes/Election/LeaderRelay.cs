using System.Net;
using System.Net.Sockets;
using AspireMesh.Host.Running;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Election;

/// <summary>
/// What a replica does while another leads: it passes connections on, byte for byte, so that every sidecar speaks with the leader whichever replica the Service
/// chose. mTLS is between sidecar and leader; the relay sees nothing. Without a leader connections are closed, and sidecars try again.
/// </summary>
internal sealed partial class LeaderRelay(string listen, Func<string?> leader, ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TcpListener _listener = new(HostPort.Parse(listen).ToEndPoint());
    private readonly HashSet<Task> _open = [];
    private Task _accepting = Task.CompletedTask;

    /// <summary>Opens the port.</summary>
    /// <exception cref="Protocol.Diagnostics.MeshValidationException">It is in use.</exception>
    public async Task StartAsync()
    {
        await ListenFailure.Explain(listen, "control plane", () =>
        {
            _listener.Start();
            return Task.CompletedTask;
        });
        _accepting = AcceptAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Task[] open;
        lock (_open) open = [.. _open];
        await Task.WhenAll(open);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var accepted = await _listener.AcceptSocketAsync(_stop.Token);
                var relaying = RelayAsync(accepted);
                lock (_open) _open.Add(relaying);
                _ = relaying.ContinueWith(done => { lock (_open) _open.Remove(done); }, TaskScheduler.Default);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                LogAccept(logger, e.Message);
            }
        }
    }

    private async Task RelayAsync(Socket accepted)
    {
        using var from = accepted;
        using var to = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        from.NoDelay = true;
        try
        {
            if (leader() is not { } address || !HostPort.TryParse(address, out var target)) return;
            await to.ConnectAsync(target.Host.Trim('[', ']'), target.Port, _stop.Token);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var there = CopyAsync(from, to, ended.Token);
            var back = CopyAsync(to, from, ended.Token);
            // Control connections are HTTP/2: a side that ends its writing has nothing left to read either.
            await await Task.WhenAny(there, back);
            await ended.CancelAsync();
            await Task.WhenAll(there, back);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            LogBroken(logger, e.Message);
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        await using var source = new NetworkStream(from);
        await using var target = new NetworkStream(to);
        await source.CopyToAsync(target, cancellationToken);
    }

    [LoggerMessage(80, LogLevel.Debug, "The relay's port: {Reason}")]
    private static partial void LogAccept(ILogger logger, string reason);

    [LoggerMessage(81, LogLevel.Debug, "A relayed connection ended: {Reason}")]
    private static partial void LogBroken(ILogger logger, string reason);
}
