using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Outbound.Retries;

/// <summary>
/// Retries allowed as a share of recent requests, with a floor (Finagle, Linkerd). A fixed number of retries per request multiplies load exactly when
/// everything fails; a budget bounds the multiple for the edge as a whole: with a share of 0.2 the upstream sees at most 1.2 times the offered load plus the floor.
/// Requests and retries are counted in ten buckets over the window; a bucket is cleared when the window has moved past it. Counters are atomic, a clear may
/// lose a concurrent count or two, which the budget tolerates.
/// </summary>
internal sealed class RetryBudget
{
    private const int Buckets = 10;
    private readonly TimeProvider _time;
    private readonly double _ratio;
    private readonly double _floor;
    private readonly long _bucketLength;
    private readonly long _start;
    private readonly long[] _requests = new long[Buckets];
    private readonly long[] _retries = new long[Buckets];
    private readonly long[] _epochs = new long[Buckets];
    private readonly Lock _turn = new();

    public RetryBudget(TimeProvider time, double ratio, int minPerSecond, TimeSpan window)
    {
        _time = time;
        _ratio = ratio;
        _floor = minPerSecond * window.TotalSeconds;
        _bucketLength = Math.Max(1, time.ToTimestamps(window) / Buckets);
        _start = time.GetTimestamp();
    }

    public void CountRequest() => Interlocked.Increment(ref _requests[Current()]);

    /// <summary>Takes one retry out of the budget; false when it is used up.</summary>
    public bool TryWithdraw()
    {
        var bucket = Current();
        long requests = 0, retries = 0;
        var epoch = Epoch();
        for (var i = 0; i < Buckets; i++)
        {
            if (epoch - Volatile.Read(ref _epochs[i]) >= Buckets) continue;
            requests += Volatile.Read(ref _requests[i]);
            retries += Volatile.Read(ref _retries[i]);
        }

        if (retries + 1 > _floor + (requests * _ratio)) return false;
        Interlocked.Increment(ref _retries[bucket]);
        return true;
    }

    private long Epoch() => (_time.GetTimestamp() - _start) / _bucketLength;

    private int Current()
    {
        var epoch = Epoch();
        var bucket = (int)(epoch % Buckets);
        if (Volatile.Read(ref _epochs[bucket]) == epoch) return bucket;
        lock (_turn)
        {
            if (_epochs[bucket] != epoch)
            {
                Volatile.Write(ref _requests[bucket], 0);
                Volatile.Write(ref _retries[bucket], 0);
                Volatile.Write(ref _epochs[bucket], epoch);
            }
        }

        return bucket;
    }
}
