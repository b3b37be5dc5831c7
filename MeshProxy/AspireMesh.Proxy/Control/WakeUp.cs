namespace AspireMesh.Proxy.Control;

/// <summary>Lets one loop wait for a time or for a call, whichever comes first. Calls while it does not wait count as one.</summary>
internal sealed class WakeUp(TimeProvider time)
{
    // Longer waits are cut: the timer takes no more than 49 days, and a loop looks at the clock again anyway.
    private static readonly TimeSpan Cap = TimeSpan.FromDays(1);
    private volatile TaskCompletionSource _called = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends the wait under way, or the next one.</summary>
    public void Call() => _called.TrySetResult();

    /// <summary>Waits; true when it was called, false when the time is over.</summary>
    public async Task<bool> WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        var wait = longest < TimeSpan.Zero ? TimeSpan.Zero : longest > Cap ? Cap : longest;
        try
        {
            await _called.Task.WaitAsync(wait, time, cancellationToken);
            _called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
