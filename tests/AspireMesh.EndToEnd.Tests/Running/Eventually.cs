namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>Waits for something to become true; fails with what was seen last.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static async Task<T> GetAsync<T>(Func<Task<T>> read, Func<T, bool> wanted, string what, TimeSpan? patience = null, Func<T, string>? show = null)
    {
        using var timer = new PeriodicTimer(Pause);
        using var end = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(60));
        T last = default!;
        try
        {
            while (true)
            {
                last = await read();
                if (wanted(last)) return last;
                await timer.WaitForNextTickAsync(end.Token);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            throw new TimeoutException($"Waited in vain for: {what}. Last seen: {(show is not null && last is not null ? show(last) : last)}");
        }
    }

    public static Task TrueAsync(Func<Task<bool>> check, string what, TimeSpan? patience = null) => GetAsync(check, ok => ok, what, patience);

    public static Task TrueAsync(Func<bool> check, string what, TimeSpan? patience = null) => GetAsync(() => Task.FromResult(check()), ok => ok, what, patience);
}
