using System.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;
using Make = AspireMesh.Chaos.Faults;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>Alone in the process: memory, timers and handles are everybody's.</summary>
[CollectionDefinition(nameof(FaultLeakTests), DisableParallelization = true)]
public sealed class FaultLeakCollection;

/// <summary>Faults that come and go a thousand times under load.</summary>
[Collection(nameof(FaultLeakTests))]
public class FaultLeakTests
{
    /// <summary>Bytes that one time on and off may leave behind: less than the smallest of the objects that a fault is made of.</summary>
    private const int LeftBehind = 64;

    /// <summary>Rounds of a thousand that may all have left something behind before that is a leak.</summary>
    private const int MaxRounds = 4;

    [Fact]
    public async Task A_thousand_times_on_and_off_under_load_nothing_is_left_behind_and_nothing_fails_that_was_not_meant()
    {
        await using var pair = await HttpPair.StartAsync(static c => c.Response.WriteAsync("ok"));
        var hits = new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, "/hit") };
        FaultRule[] rules = [FaultPair.Rule(Make.Abort()) with { Match = hits, Order = 1 }, FaultPair.Rule(Make.Delay(TimeSpan.FromMilliseconds(1))) with { Match = hits }, FaultPair.Rule(Make.Drain()) with { Match = hits, Activation = new() { EveryNth = 50 } }];
        var (without, with) = (pair.Pair.CallerSnapshot, FaultPair.On(pair.Pair.CallerSnapshot, FaultSide.Outbound, rules));

        await RoundAsync();
        List<Held> held = [await RestAsync()];
        // What leaks does so in every round; pools, threads and connections that grow by chance do not go on growing.
        while (held.Count < 2 || (held.Count <= MaxRounds && Grew(held[^2], held[^1])))
        {
            await RoundAsync();
            held.Add(await RestAsync());
        }

        Assert.False(Grew(held[^2], held[^1]), string.Join(", then ", held));
        using var last = await pair.Client.GetAsync("/hit", TestContext.Current.CancellationToken);
        Assert.Equal(200, (int)last.StatusCode);

        async Task RoundAsync()
        {
            using var stop = new CancellationTokenSource();
            var clients = Enumerable.Range(0, 3).Select(_ => Task.Run(() => CallAsync(pair, stop.Token))).ToArray();
            for (var i = 0; i < 1000; i++)
            {
                await pair.Pair.ApplyCallerAsync(with);
                await pair.Pair.ApplyCallerAsync(without);
            }

            await stop.CancelAsync();
            var aborted = (await Task.WhenAll(clients)).Sum();
            // Every fault that fired was seen as an answer: none vanished, and none was left over.
            Assert.Equal(aborted, pair.Pair.CallerEvents.Faults.Count(f => f == rules[0].Id));
            Assert.True(aborted > 0, "no fault met any request");
        }

        async Task<Held> RestAsync()
        {
            pair.Pair.CallerEvents.Forget();
            pair.Pair.CalleeEvents.Forget();
            pair.App.Requests.Clear();
            // What is on its way out (drained connections, their timers) gets the time it takes; what stays is a leak.
            Held held = Now();
            for (var (same, looks) = (0, 0); same < 4 && looks < 200; looks++)
            {
                await Task.Delay(250);
                var next = Now();
                same = next.Memory >= held.Memory - 4096 && next.Timers >= held.Timers && next.Handles >= held.Handles ? same + 1 : 0;
                held = next;
            }

            return held;
        }
    }

    private static bool Grew(Held before, Held after) =>
        after.Memory - before.Memory >= LeftBehind * 1000 || after.Timers > before.Timers + 5 || after.Handles > before.Handles + 5;

    private sealed record Held(long Memory, long Timers, int Handles);

    private static Held Now()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        using var process = Process.GetCurrentProcess();
        return new Held(memory, Timer.ActiveCount, process.HandleCount);
    }

    /// <summary>Calls until it is told to stop; how often it saw the fault.</summary>
    private static async Task<int> CallAsync(HttpPair pair, CancellationToken stop)
    {
        var aborted = 0;
        while (!stop.IsCancellationRequested)
        {
            using var missed = await pair.Client.GetAsync("/missed");
            Assert.Equal(200, (int)missed.StatusCode);
            using var hit = await pair.Client.GetAsync("/hit");
            Assert.True((int)hit.StatusCode is 200 or 503);
            if ((int)hit.StatusCode == 503) aborted++;
        }

        return aborted;
    }
}
