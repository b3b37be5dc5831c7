using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

public class SnapshotChangeTests
{
    [Fact]
    public async Task Two_thousand_snapshot_changes_under_load_fail_no_request_leave_nothing_behind_and_no_request_sees_half_of_two()
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync($"{c.Request.Headers["x-one"]} {c.Request.Headers["x-two"]}"), Numbered(new HttpPairOptions(), 0));
        using var done = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(_ => LoadAsync(pair.Client, done.Token)).ToArray();
        var base0 = pair.Pair.CallerSnapshot;
        var before = new List<WeakReference>();
        for (var i = 1; i <= 2000; i++)
        {
            await pair.Pair.ApplyCallerAsync(Number(base0, i));
            if (i % 20 == 0) before.Add(SnapshotInForce(pair));
        }
        await done.CancelAsync();
        Assert.True((await Task.WhenAll(load)).Sum() > 100);
        // Memory stays flat: a snapshot goes when the next is in force, with all it was compiled into. The last few may be held by connections that are kept, and by this method.
        await RecordedEvents.EventuallyAsync<bool>(() => Kept(before) <= 5 ? true : null, () => $"{Kept(before)} of {before.Count} earlier snapshots are still held");
        Assert.DoesNotContain(pair.Pair.CallerEvents.Requests, r => r.Status != 200);
    }

    private static WeakReference SnapshotInForce(HttpPair pair) => new(pair.Pair.CallerSnapshot);

    private static int Kept(List<WeakReference> snapshots)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return snapshots.Count(w => w.IsAlive);
    }

    private static HttpPairOptions Numbered(HttpPairOptions options, int number) => options with { Caller = s => Number(s, number) };

    private static Protocol.Snapshot.MeshSnapshot Number(Protocol.Snapshot.MeshSnapshot snapshot, int number)
    {
        var edits = new Protocol.Policies.HeaderEdits { Set = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("x-one", $"{number}").Add("x-two", $"{number}") };
        return snapshot with { Outbound = [snapshot.Outbound[0] with { Routes = [snapshot.Outbound[0].Routes[0] with { RequestHeaders = edits }] }] };
    }

    private static async Task<int> LoadAsync(HttpClient client, CancellationToken done)
    {
        var sent = 0;
        for (; !done.IsCancellationRequested; sent++)
        {
            using var response = await client.GetAsync("", CancellationToken.None);
            Assert.Equal(200, (int)response.StatusCode);
            var numbers = (await response.Content.ReadAsStringAsync(CancellationToken.None)).Split(' ');
            Assert.Equal(numbers[0], numbers[1]);
        }

        return sent;
    }
}
