using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Tests.Sockets;

/// <summary>Work at the end of a turn: all of it, once, in order, also what comes while it runs or after the end.</summary>
public class SocketTurnsTests
{
    private const string NotHere = "There are no such sockets on this system.";

    public static bool HasThem => OperatingSystem.IsLinux();

    [Fact(SkipUnless = nameof(HasThem), Skip = NotHere)]
    public async Task What_is_queued_is_run_once_and_in_its_order()
    {
        using var turns = SocketTurns.TryStart()!;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<int> ran = [];
        for (var i = 0; i < 1000; i++)
        {
            var number = i;
            turns.Queue(new Work(() =>
            {
                ran.Add(number);
                if (ran.Count == 1000) all.SetResult();
            }));
        }
        await all.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 1000), ran);
    }

    [Fact(SkipUnless = nameof(HasThem), Skip = NotHere)]
    public async Task What_many_threads_queue_is_all_run()
    {
        using var turns = SocketTurns.TryStart()!;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = 8 * 2000;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 2000; i++) turns.Queue(new Work(() => { if (Interlocked.Decrement(ref left) == 0) all.SetResult(); }));
        })));
        await all.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact(SkipUnless = nameof(HasThem), Skip = NotHere)]
    public async Task What_is_queued_by_work_that_runs_is_run_in_a_later_turn()
    {
        using var turns = SocketTurns.TryStart()!;
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var depth = 0;
        void Again() => turns.Queue(new Work(() =>
        {
            if (++depth < 50) Again();
            else last.SetResult();
        }));
        Again();
        await last.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact(SkipUnless = nameof(HasThem), Skip = NotHere)]
    public async Task What_comes_after_the_end_is_run_all_the_same()
    {
        var turns = SocketTurns.TryStart()!;
        turns.Dispose();
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        turns.Queue(new Work(ran.SetResult));
        await ran.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Work(Action run) : IThreadPoolWorkItem
    {
        public void Execute() => run();
    }
}
