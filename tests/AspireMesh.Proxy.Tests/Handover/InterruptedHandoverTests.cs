using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using AspireMesh.Proxy.Handover;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Proxy.Tests.Handover;

/// <summary>One of the two processes goes away in the middle of a handover.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class InterruptedHandoverTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("am-");

    private string Path => System.IO.Path.Combine(_directory.FullName, "h.sock");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Ports_of_an_old_process_that_died_while_it_passed_them_on_can_be_opened_anew()
    {
        Assert.SkipUnless(DescriptorPassing.IsSupported, "this system cannot pass sockets on");
        using var old = HandoverChannel.NewSocket(Patience);
        old.Bind(new UnixDomainSocketEndPoint(Path));
        old.Listen(1);
        using var port = Listening(new IPEndPoint(IPAddress.Loopback, 0));
        var address = (IPEndPoint)port.LocalEndPoint!;
        var finding = Predecessor.FindAsync(Path);
        using (var channel = await old.AcceptAsync().WaitAsync(Patience))
        {
            channel.Send("ports 2\n"u8);
            DescriptorPassing.Send(channel, port.SafeHandle);
            port.Dispose();
        }
        Assert.Null(await finding.WaitAsync(Patience));
        using var again = Listening(address);
    }

    [Fact]
    public async Task A_sidecar_that_is_to_stop_does_not_wait_for_a_newer_process_that_says_nothing()
    {
        Assert.SkipUnless(DescriptorPassing.IsSupported, "this system cannot pass sockets on");
        var sidecar = new Sidecar();
        var server = HandoverServer.Start(Path, sidecar, NullLogger.Instance)!;
        using var newer = HandoverChannel.TryConnect(Path, Patience)!;
        Assert.Empty(newer.Take());
        await server.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.False(sidecar.Returned);
    }

    [Fact]
    public async Task A_port_that_a_snapshot_closes_meanwhile_ends_this_handover_and_not_the_next()
    {
        Assert.SkipUnless(DescriptorPassing.IsSupported, "this system cannot pass sockets on");
        using var port = Listening(new IPEndPoint(IPAddress.Loopback, 0));
        using var closed = Listening(new IPEndPoint(IPAddress.Loopback, 0));
        closed.Dispose();
        var sidecar = new Sidecar { Ports = [closed] };
        await using var server = HandoverServer.Start(Path, sidecar, NullLogger.Instance)!;
        using (var first = HandoverChannel.TryConnect(Path, Patience)!) Assert.Throws<SocketException>(first.Take);

        sidecar.Ports = [port];
        using var second = HandoverChannel.TryConnect(Path, Patience)!;
        var taken = Assert.Single(second.Take());
        Assert.Equal(port.LocalEndPoint, taken.Key);
        taken.Value.Dispose();
    }

    private static Socket Listening(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(address);
        socket.Listen();
        return socket;
    }

    private sealed class Sidecar : IHandover
    {
        public bool Returned { get; private set; }

        public IReadOnlyList<Socket> Ports { get; set; } = [];

        public Task LeaveControlAsync() => Task.CompletedTask;

        public void ReturnToControl() => Returned = true;

        public void HandedOver() => throw new InvalidOperationException("nobody took over");
    }
}
