using AspireMesh.Proxy.Tunnel.Multiplexing;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Tunnel.Multiplexing;

public class KeepAliveTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_quiet_connection_is_asked_before_it_is_given_up()
    {
        await using var pair = await TunnelPair.CreateAsync(StreamReading.EchoAsync, new TunnelOptions { Time = _time });
        await using var stream = pair.Open();
        for (var round = 0; round < 3; round++)
        {
            // Heard of late in the first span, so that at its end there is nothing to ask yet, and silent for all of the second.
            _time.Advance(TimeSpan.FromSeconds(1));
            await stream.WriteAsync("?"u8.ToArray());
            Assert.Equal(1, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
            _time.Advance(TimeSpan.FromSeconds(14));
            _time.Advance(TimeSpan.FromSeconds(15));
            Assert.False(pair.Client.Ended.IsCompleted);
            Assert.False(pair.Server.Ended.IsCompleted);
        }
        await stream.WriteAsync("!"u8.ToArray());
        Assert.Equal(1, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_peer_that_does_not_answer_a_ping_in_time_is_lost()
    {
        var (near, far) = await TunnelPair.SocketsAsync();
        await using var mute = far;
        await using var connection = new TunnelConnection(near, null, new TunnelOptions { Time = _time });
        var running = connection.RunAsync();
        _time.Advance(TimeSpan.FromSeconds(15));
        var frame = new byte[FrameHeader.Size + 8];
        await mute.ReadExactlyAsync(frame).AsTask().WaitAsync(Patience);
        Assert.Equal(FrameType.Ping, FrameHeader.Read(frame).Type);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(connection.Ended.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await connection.Ended.WaitAsync(Patience);
        await running.WaitAsync(Patience);
    }
}
