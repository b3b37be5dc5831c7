using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Handover;

/// <summary>What a sidecar does when a newer process takes over.</summary>
internal interface IHandover
{
    /// <summary>The open ports.</summary>
    IReadOnlyList<Socket> Ports { get; }

    /// <summary>Leaves the control plane to the newer process; traffic goes on.</summary>
    Task LeaveControlAsync();

    /// <summary>The newer process died: everything is as before.</summary>
    void ReturnToControl();

    /// <summary>The newer process serves.</summary>
    void HandedOver();
}

/// <summary>Waits for a newer process of the same sidecar and hands over to it, once.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed partial class HandoverServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IHandover _sidecar;
    private readonly ILogger _logger;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    private HandoverServer(Socket socket, IHandover sidecar, ILogger logger)
    {
        (_socket, _sidecar, _logger) = (socket, sidecar, logger);
        _serving = ServeAsync();
    }

    /// <summary>Opens the Unix socket; null where that fails, because a sidecar without hot upgrades is better than none.</summary>
    public static HandoverServer? Start(string path, IHandover sidecar, ILogger logger)
    {
        var socket = HandoverChannel.NewSocket(Patience);
        try
        {
            // What a process that was killed left behind.
            File.Delete(path);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen(1);
            return new HandoverServer(socket, sidecar, logger);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            LogNotOpened(logger, path, e.Message);
            socket.Dispose();
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            using var accepted = await _socket.AcceptAsync(_stop.Token);
            accepted.ReceiveTimeout = accepted.SendTimeout = (int)Patience.TotalMilliseconds;
            using var channel = new HandoverChannel(accepted);
            // The newer process may have hung: who is to stop does not wait for its next word.
            await using var stopping = _stop.Token.Register(static socket => Cut((Socket)socket!), accepted);
            if (!await HandOverAsync(channel)) continue;
            LogHandedOver(_logger);
            _sidecar.HandedOver();
            return;
        }
    }

    private async Task<bool> HandOverAsync(HandoverChannel channel)
    {
        var left = false;
        try
        {
            channel.Offer(_sidecar.Ports);
            await HearAsync(channel, "joined");
            await _sidecar.LeaveControlAsync();
            left = true;
            channel.Say("go");
            await HearAsync(channel, "ready");
            // Its file goes with it, so that the newer process can put its own there.
            _socket.Dispose();
            channel.Say("bye");
            return true;
        }
        // Disposed: a snapshot has closed one of the ports meanwhile.
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            LogFailed(_logger, e.Message);
            if (left && !_stop.IsCancellationRequested) _sidecar.ReturnToControl();
            return false;
        }
    }

    private static void Cut(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end was faster.
            return;
        }
    }

    private static async Task HearAsync(HandoverChannel channel, string expected)
    {
        var word = await Task.Run(channel.Hear);
        if (word != expected) throw new IOException($"it said '{word}' where '{expected}' was due");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A newer process has taken over this sidecar's ports; what runs here is finished.")]
    private static partial void LogHandedOver(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A newer process did not take this sidecar over: {Reason}. This one goes on as before.")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This sidecar cannot be upgraded without a restart: {Path} could not be opened: {Reason}")]
    private static partial void LogNotOpened(ILogger logger, string path, string reason);
}
