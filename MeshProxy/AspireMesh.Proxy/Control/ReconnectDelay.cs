namespace AspireMesh.Proxy.Control;

/// <summary>
/// Exponential backoff with full jitter: a random time between 0 and a ceiling that doubles with each failure in a row, so that sidecars that
/// lost the control plane together do not come back together.
/// </summary>
internal sealed class ReconnectDelay(TimeSpan first, TimeSpan longest, Random random)
{
    private int _failures;

    /// <summary>The time to wait before the next try.</summary>
    public TimeSpan Next()
    {
        var ceiling = Math.Min(first.TotalMilliseconds * Math.Pow(2, _failures), longest.TotalMilliseconds);
        if (_failures < 30) _failures++;
        return TimeSpan.FromMilliseconds(random.NextDouble() * ceiling);
    }

    /// <summary>After a success.</summary>
    public void Reset() => _failures = 0;
}
