namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>Ends a stream on which nothing moves. A byte that moves only notes the time: the timer looks at it when it comes.</summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly Action _end;
    private readonly ITimer _timer;
    private long _moved;

    public IdleWatch(TimeProvider time, TimeSpan limit, Action end)
    {
        (_time, _limit, _end, _moved) = (time, limit, end, time.GetTimestamp());
        _timer = time.CreateTimer(static w => ((IdleWatch)w!).Look(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether it has ended the stream.</summary>
    public bool HasPassed { get; private set; }

    public void Touch() => Volatile.Write(ref _moved, _time.GetTimestamp());

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var left = _limit - _time.GetElapsedTime(Volatile.Read(ref _moved));
        if (left > TimeSpan.Zero)
        {
            _timer.Change(left, Timeout.InfiniteTimeSpan);
            return;
        }
        HasPassed = true;
        _end();
    }
}
