using System.Collections.Concurrent;

namespace AspireMesh.Proxy.Opaque;

/// <summary>Counts open connections by listener, so that an edge's cap holds across snapshots.</summary>
internal sealed class ConnectionPlaces
{
    private readonly ConcurrentDictionary<string, Counter> _open = new(StringComparer.Ordinal);

    /// <summary>A place, left by disposing it; null when the edge has as many as it may.</summary>
    public IDisposable? TryTake(OpaquePath path)
    {
        var counter = _open.GetOrAdd(path.Listener, static _ => new Counter());
        var most = path.Limits is { MaxConnections: > 0 } limits ? limits.MaxConnections : int.MaxValue;
        if (Interlocked.Increment(ref counter.Open) <= most) return new Place(counter);
        Interlocked.Decrement(ref counter.Open);
        return null;
    }

    private sealed class Counter
    {
        public int Open;
    }

    private sealed class Place(Counter counter) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) Interlocked.Decrement(ref counter.Open);
        }
    }
}
