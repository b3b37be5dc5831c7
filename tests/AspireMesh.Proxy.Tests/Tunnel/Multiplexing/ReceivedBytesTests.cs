using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tests.Tunnel.Multiplexing;

public class ReceivedBytesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_waits_gets_the_bytes_and_what_does_not_fit_is_kept_in_order(bool inline)
    {
        var received = new ReceivedBytes(100, inline);
        var buffer = new byte[3];
        var waiting = received.ReadAsync(buffer, default);
        Assert.False(waiting.IsCompleted);
        Assert.True(received.TryAppend([1, 2, 3, 4]));
        Assert.True(received.TryAppend([5]));
        Assert.Equal(3, await waiting.AsTask().WaitAsync(Patience));
        Assert.Equal([1, 2, 3], buffer);
        Assert.Equal(2, await received.ReadAsync(buffer, default));
        Assert.Equal([4, 5, 3], buffer);
        received.End(null);
        Assert.Equal(0, await received.ReadAsync(buffer, default));
    }

    [Fact]
    public void Inline_readers_go_on_on_the_thread_that_brings_the_bytes()
    {
        var received = new ReceivedBytes(100, inline: true);
        var ran = 0;
        async Task ReadAsync()
        {
            await received.ReadAsync(new byte[1], default);
            ran = Environment.CurrentManagedThreadId;
        }
        var reading = ReadAsync();
        received.TryAppend([1]);
        Assert.True(reading.IsCompleted);
        Assert.Equal(Environment.CurrentManagedThreadId, ran);
    }

    [Fact]
    public async Task More_than_the_window_is_refused_and_reading_half_of_it_grants_as_much()
    {
        var received = new ReceivedBytes(10, inline: false);
        Assert.True(received.TryAppend(new byte[10]));
        Assert.False(received.TryAppend([1]));
        Assert.Equal(4, await received.ReadAsync(new byte[4], default));
        Assert.Equal(0, received.TakeGrant());
        Assert.Equal(1, await received.ReadAsync(new byte[1], default));
        Assert.Equal(5, received.TakeGrant());
        Assert.Equal(0, received.TakeGrant());
        Assert.True(received.TryAppend(new byte[5]));
        Assert.False(received.TryAppend([1]));
    }

    [Fact]
    public async Task A_failure_comes_after_what_is_unread_and_wins_over_an_end_that_nobody_has_read()
    {
        var received = new ReceivedBytes(10, inline: false);
        received.TryAppend([7]);
        received.End(null);
        received.End(new IOException("broken"));
        Assert.Equal(1, await received.ReadAsync(new byte[4], default));
        await Assert.ThrowsAsync<IOException>(() => received.ReadAsync(new byte[4], default).AsTask());
    }

    [Fact]
    public async Task A_cancelled_read_takes_nothing_and_another_may_follow()
    {
        var received = new ReceivedBytes(10, inline: false);
        using var stop = new CancellationTokenSource();
        var waiting = received.ReadAsync(new byte[4], stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
        var buffer = new byte[4];
        var next = received.ReadAsync(buffer, default);
        received.TryAppend([9]);
        Assert.Equal(1, await next.AsTask().WaitAsync(Patience));
        Assert.Equal(9, buffer[0]);
    }

    [Fact]
    public async Task A_read_into_nothing_waits_for_bytes_and_takes_none()
    {
        var received = new ReceivedBytes(10, inline: false);
        var waiting = received.ReadAsync(Memory<byte>.Empty, default);
        Assert.False(waiting.IsCompleted);
        received.TryAppend([1, 2]);
        Assert.Equal(0, await waiting.AsTask().WaitAsync(Patience));
        Assert.Equal(2, await received.ReadAsync(new byte[4], default));
    }

    [Fact]
    public async Task Bytes_cross_whole_and_in_order_between_two_threads()
    {
        const int total = 400_000;
        var received = new ReceivedBytes(64 * 1024, inline: false);
        var allowed = new SemaphoreSlim(64 * 1024);
        var writing = Task.Run(async () =>
        {
            var random = new Random(3);
            var piece = new byte[5000];
            for (var sent = 0; sent < total;)
            {
                var count = Math.Min(random.Next(1, piece.Length), total - sent);
                for (var i = 0; i < count; i++) piece[i] = (byte)(sent + i);
                for (var i = 0; i < count; i++) await allowed.WaitAsync();
                Assert.True(received.TryAppend(piece.AsSpan(0, count)));
                sent += count;
            }
            received.End(null);
        });
        var buffer = new byte[3001];
        var got = 0;
        for (int count; (count = await received.ReadAsync(buffer, default)) > 0; got += count)
        {
            for (var i = 0; i < count; i++) Assert.Equal((byte)(got + i), buffer[i]);
            allowed.Release(count);
        }
        await writing;
        Assert.Equal(total, got);
    }
}
