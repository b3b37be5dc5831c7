using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tests.Tunnel.Multiplexing;

public class MalformedFrameTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string, byte[]> Malformed => new()
    {
        { "unknown type", [0, 0, 0, 10, 0, 0, 0, 0] },
        { "type zero", [0, 0, 0, 0, 0, 0, 0, 0] },
        { "payload over the limit", [0, 64, 1, 2, 0, 0, 0, 1] },
        { "data of a stream that was never opened", [0, 0, 1, 2, 0, 0, 0, 5, 7] },
        { "empty data", [0, 0, 0, 2, 0, 0, 0, 1] },
        { "data on stream zero", [0, 0, 1, 2, 0, 0, 0, 0, 7] },
        { "finish with a payload", [0, 0, 1, 3, 0, 0, 0, 1, 7] },
        { "reset with five bytes", [0, 0, 5, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0] },
        { "ping with seven bytes", [0, 0, 7, 6, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7] },
        { "ping on a stream", [0, 0, 8, 6, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8] },
        { "open too short", [0, 0, 3, 1, 0, 0, 0, 1, 1, 1, 0] },
        { "open with another version", Open(1, version: 9) },
        { "open with a name that lies about its length", Open(1, nameLength: 200) },
        { "open with a line feed in the name", Open(1, name: "a\nb") },
        { "the same stream twice", [.. Open(1), .. Open(1)] },
        { "streams out of order", [.. Open(3), .. Open(2)] },
        { "window of zero", [.. Open(1), 0, 0, 4, 5, 0, 0, 0, 1, 0, 0, 0, 0] },
        { "window beyond reason", [.. Open(1), 0, 0, 4, 5, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff] },
        { "ready from the opening side", [.. Open(1), 0, 0, 0, 9, 0, 0, 0, 1] },
        { "a second finish", [.. Open(1), 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1] },
        { "data after finish", [.. Open(1), 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 1, 7] },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_frame_ends_its_connection_with_a_goaway_and_nothing_else(string what, byte[] bytes)
    {
        Assert.NotEmpty(what);
        await using var healthy = await TunnelPair.CreateAsync(StreamReading.EchoAsync);
        var (near, far) = await TunnelPair.SocketsAsync();
        await using var server = new TunnelConnection(far, _ => new TaskCompletionSource().Task, new TunnelOptions());
        var running = server.RunAsync();
        await near.WriteAsync(bytes);
        var answer = new MemoryStream();
        await running.WaitAsync(Patience);
        await server.DisposeAsync();
        await near.CopyToAsync(answer).WaitAsync(Patience);
        Assert.Equal(FrameType.GoAway, FrameHeader.Read(answer.ToArray().AsSpan(^16)).Type);
        await near.DisposeAsync();

        await using var stream = healthy.Open();
        await stream.WriteAsync(new byte[5]);
        stream.CompleteWrites();
        Assert.Equal(5, await stream.DrainAsync());
    }

    [Fact]
    public async Task More_than_the_window_is_a_flow_control_error()
    {
        var (near, far) = await TunnelPair.SocketsAsync();
        await using var server = new TunnelConnection(far, _ => new TaskCompletionSource().Task, new TunnelOptions { StreamWindow = 1000 });
        var running = server.RunAsync();
        await near.WriteAsync(Open(1));
        await near.WriteAsync((byte[])[0, 0x03, 0xe9, 2, 0, 0, 0, 1, .. new byte[1001]]);
        await running.WaitAsync(Patience);
        await near.DisposeAsync();
        Assert.True(server.Ended.IsCompleted);
    }

    [Fact]
    public async Task Streams_that_are_opened_and_reset_at_once_do_not_keep_more_handlers_busy_than_streams_may_be_open()
    {
        var (near, far) = await TunnelPair.SocketsAsync();
        var begun = 0;
        var never = new TaskCompletionSource();
        await using var server = new TunnelConnection(far, _ => Interlocked.Increment(ref begun) > 0 ? never.Task : never.Task, new TunnelOptions { MaxStreams = 4 });
        var running = server.RunAsync();
        // Each handler is as one that still connects to an app that does not answer.
        for (var id = 1; id <= 100; id++) await near.WriteAsync((byte[])[.. Open(id), 0, 0, 4, 4, 0, 0, 0, (byte)id, 0, 0, 0, 5]);
        await near.WriteAsync((byte[])[0, 0, 8, 6, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.Equal(100 - (2 * 4), await ResetsBeforePongAsync(near).WaitAsync(Patience));
        await near.DisposeAsync();
        await running.WaitAsync(Patience);
        Assert.InRange(begun, 0, 2 * 4);
    }

    [Fact]
    public async Task A_peer_that_asks_on_and_on_and_reads_no_answer_loses_its_connection()
    {
        var (near, far) = await TunnelPair.SocketsAsync();
        await using var server = new TunnelConnection(far, _ => new TaskCompletionSource().Task, new TunnelOptions { KeepAlive = TimeSpan.Zero });
        var running = server.RunAsync();
        var pings = new byte[4096 * 16];
        for (var i = 0; i < pings.Length; i += 16) new FrameHeader(8, FrameType.Ping, 0).Write(pings.AsSpan(i));
        for (var i = 0; i < 1024 && !running.IsCompleted; i++) await Task.WhenAny(near.WriteAsync(pings).AsTask(), running);
        await running.WaitAsync(Patience);
        Assert.True(server.Ended.IsCompleted);
        await near.DisposeAsync();
    }

    private static async Task<int> ResetsBeforePongAsync(Stream stream)
    {
        var bytes = new byte[FrameHeader.Size];
        for (var resets = 0; ; resets++)
        {
            await stream.ReadExactlyAsync(bytes);
            var header = FrameHeader.Read(bytes);
            if (header.Type == FrameType.Pong) return resets;
            Assert.Equal(FrameType.Reset, header.Type);
            await stream.ReadExactlyAsync(new byte[header.Length]);
        }
    }

    // The seed is in the name of the case, so a failure can be run again alone.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Random_bytes_and_mutated_frames_never_hang_or_crash(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            var bytes = round % 2 == 0 ? RandomBytes(random) : MutatedFrames(random);
            var (near, far) = await TunnelPair.SocketsAsync();
            await using var server = new TunnelConnection(far, StreamReading.EchoAsync, new TunnelOptions { MaxStreams = 16, StreamWindow = 4096 });
            var running = server.RunAsync();
            try
            {
                await near.WriteAsync(bytes);
                near.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            }
            catch (IOException)
            {
                // The server may have hung up on the first bad frame already.
            }
            await running.WaitAsync(Patience);
            Assert.True(server.Ended.IsCompleted);
            Assert.Equal(0, server.OpenStreams);
            await near.DisposeAsync();
        }
    }

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new byte[random.Next(1, 4000)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] MutatedFrames(Random random)
    {
        var bytes = new List<byte>();
        for (var id = 1; id <= 6; id++)
        {
            bytes.AddRange(Open(id));
            bytes.AddRange([0, 0, 4, 2, 0, 0, 0, (byte)id, 1, 2, 3, 4]);
            bytes.AddRange([0, 0, 4, 5, 0, 0, 0, (byte)id, 0, 0, 1, 0]);
            bytes.AddRange([0, 0, 0, 3, 0, 0, 0, (byte)id]);
        }
        for (var i = 0; i < random.Next(1, 6); i++) bytes[random.Next(bytes.Count)] = (byte)random.Next(256);
        return [.. bytes];
    }

    private static byte[] Open(int id, byte version = 1, int? nameLength = null, string name = "http")
    {
        var length = 28 + name.Length;
        return
        [
            0, 0, (byte)length, 1, 0, 0, 0, (byte)id,
            version, 1, 0, .. new byte[24], (byte)(nameLength ?? name.Length), .. System.Text.Encoding.ASCII.GetBytes(name),
        ];
    }
}
