using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Requests that wait for a place among the running ones, over real sockets: how their wait ends, and that no place is lost by it.</summary>
public sealed class WaitingRequestsTests : IDisposable
{
    private readonly TaskCompletionSource _release = new();
    private readonly SemaphoreSlim _arrived = new(0);

    public void Dispose() => _arrived.Dispose();

    [Fact]
    public async Task A_request_whose_deadline_passes_in_the_queue_is_told_504_and_the_place_goes_to_the_next()
    {
        var time = new FakeTimeProvider();
        await using var pair = await PairAsync(time);
        var running = await RunningAsync(pair);
        using var waited = await await OneWaitsAsync(pair, before: () => time.Advance(TimeSpan.FromSeconds(16)));
        Assert.Equal(HttpStatusCode.GatewayTimeout, waited.StatusCode);
        Assert.StartsWith("UT;", Assert.Single(waited.Headers.GetValues("x-mesh-error")));
        await PlacesAreLeftAsync(pair, running);
    }

    [Fact]
    public async Task A_caller_that_leaves_the_queue_is_no_refusal_and_its_place_goes_to_the_next()
    {
        using var leave = new CancellationTokenSource();
        await using var pair = await PairAsync(TimeProvider.System);
        var running = await RunningAsync(pair);
        var waiting = await OneWaitsAsync(pair, leave: leave.Token);
        var refused = pair.Pair.CallerEvents.Refusals.Count;
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Requests.Any(r => r is { Status: 0, Flags: "DC" }) ? true : null);
        Assert.Equal(refused, pair.Pair.CallerEvents.Refusals.Count);
        await PlacesAreLeftAsync(pair, running);
    }

    /// <summary>The first answer has begun, so that no deadline ends it, and its place is taken until it is released.</summary>
    private Task<HttpPair> PairAsync(TimeProvider time) => HttpPair.StartAsync(
        async c =>
        {
            await c.Response.WriteAsync("begun");
            await c.Response.Body.FlushAsync();
            _arrived.Release();
            await _release.Task;
        },
        new HttpPairOptions { Time = time, Caller = s => s with { Outbound = [s.Outbound[0] with { Limits = new ConcurrencyPolicy { MaxConcurrentRequests = 1, MaxPendingRequests = 1 } }] } });

    private async Task<HttpResponseMessage> RunningAsync(HttpPair pair)
    {
        var running = await pair.Client.GetAsync("", HttpCompletionOption.ResponseHeadersRead);
        await _arrived.WaitAsync();
        return running;
    }

    /// <summary>Of two more the one finds the queue full at once, so the other is in it.</summary>
    private static async Task<Task<HttpResponseMessage>> OneWaitsAsync(HttpPair pair, Action? before = null, CancellationToken leave = default)
    {
        var both = new[] { pair.Client.GetAsync("", leave), pair.Client.GetAsync("", leave) };
        var first = await Task.WhenAny(both);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await first).StatusCode);
        before?.Invoke();
        return both.Single(b => b != first);
    }

    private async Task PlacesAreLeftAsync(HttpPair pair, HttpResponseMessage running)
    {
        _release.SetResult();
        Assert.Equal("begun", await running.Content.ReadAsStringAsync());
        running.Dispose();
        // One after the other: a lost place would have each of them wait, or be refused.
        for (var i = 0; i < 3; i++)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            using var response = await pair.Client.GetAsync("", patience.Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }
}
