using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Proxy.Handover;

/// <summary>The process that this sidecar takes over from: its open ports are here already, and its connections are its own until they end.</summary>
internal sealed class Predecessor : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HandoverChannel _channel;
    private bool _gone;

    private Predecessor(HandoverChannel channel, Dictionary<IPEndPoint, Socket> ports) => (_channel, Ports) = (channel, ports);

    /// <summary>Its ports, by address. From now on they stay open although it ends.</summary>
    public Dictionary<IPEndPoint, Socket> Ports { get; }

    /// <summary>Looks for one and takes its ports; null where there is none, or where this system cannot pass sockets on.</summary>
    public static Task<Predecessor?> FindAsync(string? path) =>
        path is null || !DescriptorPassing.IsSupported ? Task.FromResult<Predecessor?>(null) : Task.Run(() => Find(path));

    /// <summary>This process has its identity: the old one leaves the control plane, which would take two sidecars of one name for one that flaps.</summary>
    public Task JoinedAsync() => SayAsync("joined", "go");

    /// <summary>This process serves: the old one drains.</summary>
    public Task ReadyAsync() => SayAsync("ready", "bye");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!OperatingSystem.IsWindows()) _channel.Dispose();
    }

    private static Predecessor? Find(string path)
    {
        if (OperatingSystem.IsWindows() || HandoverChannel.TryConnect(path, Patience) is not { } channel) return null;
        try
        {
            return new Predecessor(channel, channel.Take());
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // It ended in the middle: its ports are closed with it, and this process opens them itself.
            channel.Dispose();
            return null;
        }
    }

    // One that has died needs no more words: what it had is here.
    private Task SayAsync(string word, string answer) => Task.Run(() =>
    {
        if (_gone || OperatingSystem.IsWindows()) return;
        try
        {
            _channel.Say(word);
            _gone = _channel.Hear() != answer;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            _gone = true;
        }
    });
}
