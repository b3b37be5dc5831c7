using System.Diagnostics;
using System.Text;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tests.Tunnel.Multiplexing;

public class TunnelConnectionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_stream_carries_its_opening_and_bytes_both_ways()
    {
        var trace = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        var seen = new TaskCompletionSource<StreamOpening>();
        await using var pair = await TunnelPair.CreateAsync(stream =>
        {
            seen.TrySetResult(stream.Opening);
            return StreamReading.EchoAsync(stream);
        });
        await using var stream = pair.Open("grpc", trace);
        await stream.WriteAsync("hello"u8.ToArray());
        stream.CompleteWrites();
        using var reader = new StreamReader(stream, Encoding.ASCII);
        Assert.Equal("hello", await reader.ReadToEndAsync().WaitAsync(Patience));
        var opening = await seen.Task.WaitAsync(Patience);
        Assert.Equal(("grpc", (byte)1, trace.TraceId, trace.SpanId), (opening.Endpoint, opening.Kind, opening.Trace.TraceId, opening.Trace.SpanId));
        Assert.True(opening.Trace.IsRemote);
    }

    [Fact]
    public async Task Half_close_works_both_ways_after_a_large_transfer()
    {
        const int size = 20 * 1024 * 1024;
        var received = new TaskCompletionSource<long>();
        await using var pair = await TunnelPair.CreateAsync(async stream =>
        {
            // Everything is read before a byte is answered: the answer crosses a direction the client has already closed.
            received.TrySetResult(await stream.DrainAsync());
            await stream.WriteAsync(new byte[size]);
            stream.CompleteWrites();
        });
        await using var stream = pair.Open();
        await stream.WriteAsync(new byte[size]).AsTask().WaitAsync(Patience);
        stream.CompleteWrites();
        Assert.Equal(size, await received.Task.WaitAsync(Patience));
        Assert.Equal(size, await stream.DrainAsync());
    }

    [Fact]
    public async Task A_reader_that_stalls_stops_only_its_own_stream_and_holds_one_window()
    {
        var options = new TunnelOptions { StreamWindow = 64 * 1024 };
        var release = new TaskCompletionSource();
        await using var pair = await TunnelPair.CreateAsync(
            async stream =>
            {
                if (stream.Opening.Endpoint == "stalled") await release.Task;
                await StreamReading.EchoAsync(stream);
            },
            options);
        await using var stalled = pair.Open("stalled");
        var sent = 0;
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 64; i++)
            {
                await stalled.WriteAsync(new byte[16 * 1024]);
                Interlocked.Add(ref sent, 16 * 1024);
            }
            stalled.CompleteWrites();
        });
        for (var i = 0; i < 20; i++)
        {
            await using var other = pair.Open();
            await other.WriteAsync(new byte[100_000]).AsTask().WaitAsync(Patience);
            other.CompleteWrites();
            Assert.Equal(100_000, await other.DrainAsync());
        }
        Assert.False(writing.IsCompleted);
        Assert.True(Volatile.Read(ref sent) <= options.StreamWindow);
        release.SetResult();
        Assert.Equal(64 * 16 * 1024, await stalled.DrainAsync());
        await writing.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_thousand_streams_share_one_connection_fairly()
    {
        const int streams = 1000;
        var order = new System.Collections.Concurrent.ConcurrentQueue<uint>();
        await using var pair = await TunnelPair.CreateAsync(async stream =>
        {
            var total = 0;
            var buffer = new byte[16 * 1024];
            int read;
            while ((read = await stream.ReadAsync(buffer)) > 0) total += read;
            order.Enqueue(stream.Id);
            stream.CompleteWrites();
        });
        // One greedy stream was first; small ones that come later must not wait until it is done.
        var greedy = pair.Open("greedy");
        var greedyDone = Task.Run(async () =>
        {
            await greedy.WriteAsync(new byte[200 * 1024 * 1024]);
            greedy.CompleteWrites();
            await greedy.DrainAsync();
        });
        await Task.WhenAll(Enumerable.Range(0, streams).Select(async _ =>
        {
            await using var stream = pair.Open();
            await stream.WriteAsync(new byte[32 * 1024]);
            stream.CompleteWrites();
            await stream.DrainAsync();
        })).WaitAsync(Patience);
        await greedyDone.WaitAsync(Patience);
        Assert.Equal(streams + 1, order.Count);
        Assert.Equal(greedy.Id, order.Last());
        await greedy.DisposeAsync();
    }

    [Fact]
    public async Task A_reset_ends_one_stream_and_is_never_read_as_an_orderly_end()
    {
        await using var pair = await TunnelPair.CreateAsync(async stream =>
        {
            if (stream.Opening.Endpoint == "bad") stream.Abort(TunnelError.AppReset);
            else await StreamReading.EchoAsync(stream);
        });
        await using var good = pair.Open();
        await using var bad = pair.Open("bad");
        var error = await Assert.ThrowsAsync<TunnelException>(() => bad.DrainAsync());
        Assert.Equal(TunnelError.AppReset, error.Error);
        Assert.False(error.NothingDelivered);
        await good.WriteAsync(new byte[1000]);
        good.CompleteWrites();
        Assert.Equal(1000, await good.DrainAsync());
    }

    [Fact]
    public async Task A_handler_that_throws_ends_its_stream_only()
    {
        await using var pair = await TunnelPair.CreateAsync(stream => stream.Opening.Endpoint == "bad" ? throw new InvalidOperationException("boom") : StreamReading.EchoAsync(stream));
        await using var bad = pair.Open("bad");
        Assert.Equal(TunnelError.Internal, (await Assert.ThrowsAsync<TunnelException>(() => bad.DrainAsync())).Error);
        await using var good = pair.Open();
        good.CompleteWrites();
        Assert.Equal(0, await good.DrainAsync());
    }

    [Fact]
    public async Task Draining_refuses_new_streams_safely_and_finishes_those_that_run()
    {
        var release = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        await using var pair = await TunnelPair.CreateAsync(async stream =>
        {
            begun.TrySetResult();
            await release.Task;
            await StreamReading.EchoAsync(stream);
        });
        await using var running = pair.Open();
        await running.WriteAsync(new byte[10]);
        await begun.Task.WaitAsync(Patience);
        var drained = pair.Server.DrainAsync(CancellationToken.None);
        TunnelException? refused = null;
        while (refused is null)
        {
            // Until the GOAWAY has crossed, streams are still opened here and refused there; both tell that nothing was delivered.
            try
            {
                await using var late = pair.Open();
                await late.DrainAsync();
            }
            catch (TunnelException error)
            {
                refused = error;
            }
        }
        Assert.True(refused.NothingDelivered);
        Assert.False(drained.IsCompleted);
        release.SetResult();
        running.CompleteWrites();
        Assert.Equal(10, await running.DrainAsync());
        await drained.WaitAsync(Patience);
    }

    [Fact]
    public async Task Streams_over_the_limit_are_refused_and_the_connection_goes_on()
    {
        var release = new TaskCompletionSource();
        var (near, far) = await TunnelPair.SocketsAsync();
        await using var client = new TunnelConnection(near, null, new TunnelOptions { MaxStreams = 100 });
        await using var server = new TunnelConnection(far, async s => { await release.Task; await StreamReading.EchoAsync(s); }, new TunnelOptions { MaxStreams = 2 });
        var running = Task.WhenAll(client.RunAsync(), server.RunAsync());
        var streams = Enumerable.Range(0, 3).Select(_ => client.Open(new StreamOpening("http", 1, default))).ToList();
        Assert.Equal(TunnelError.Refused, (await Assert.ThrowsAsync<TunnelException>(() => streams[2].DrainAsync())).Error);
        release.SetResult();
        streams[0].CompleteWrites();
        Assert.Equal(0, await streams[0].DrainAsync());
        await client.DisposeAsync();
        await server.DisposeAsync();
        await running.WaitAsync(Patience);
    }

    [Fact]
    public async Task When_the_connection_breaks_every_stream_says_so()
    {
        await using var pair = await TunnelPair.CreateAsync(async stream => await stream.DrainAsync());
        await using var stream = pair.Open();
        var reading = stream.DrainAsync();
        await pair.Server.DisposeAsync();
        Assert.Equal(TunnelError.ConnectionLost, (await Assert.ThrowsAsync<TunnelException>(() => reading)).Error);
        Assert.False(pair.Client.IsUsable);
    }

    [Fact]
    public async Task Finished_streams_leave_nothing_behind()
    {
        await using var pair = await TunnelPair.CreateAsync(StreamReading.EchoAsync);
        for (var i = 0; i < 500; i++)
        {
            await using var stream = pair.Open();
            await stream.WriteAsync(new byte[10]);
            stream.CompleteWrites();
            Assert.Equal(10, await stream.DrainAsync());
        }
        await Poll(() => pair.Client.OpenStreams == 0 && pair.Server.OpenStreams == 0);
    }

    [Fact]
    public async Task A_cancelled_write_ends_the_stream()
    {
        await using var pair = await TunnelPair.CreateAsync(_ => new TaskCompletionSource().Task);
        await using var stream = pair.Open();
        using var cancel = new CancellationTokenSource();
        var writing = stream.WriteAsync(new byte[1024 * 1024], cancel.Token).AsTask();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<Exception>(() => writing.WaitAsync(Patience));
        Assert.Equal(TunnelError.Cancelled, stream.Failure?.Error);
    }

    private static async Task Poll(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition() && watch.Elapsed < Patience) await Task.Yield();
        Assert.True(condition());
    }
}
