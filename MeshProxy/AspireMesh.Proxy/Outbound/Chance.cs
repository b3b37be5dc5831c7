namespace AspireMesh.Proxy.Outbound;

/// <summary>
/// The sidecar's one source of chance: SplitMix64 (Steele, Lea, Flood, 2014) over an atomically advanced counter, so that it may be shared by all
/// threads without a lock and the same seed gives the same sequence to one thread.
/// </summary>
internal sealed class Chance(long seed)
{
    private const long Golden = unchecked((long)0x9E3779B97F4A7C15);
    private long _state = seed;

    /// <summary>0 inclusive to 1 exclusive.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>0 inclusive to <paramref name="bound"/> exclusive.</summary>
    public int Next(int bound) => (int)(((NextBits() >> 32) * (ulong)bound) >> 32);

    /// <summary>True for this share of calls, 0 to 100.</summary>
    public bool Percent(double percent) => percent >= 100 || (percent > 0 && NextDouble() * 100 < percent);

    private ulong NextBits()
    {
        var z = (ulong)Interlocked.Add(ref _state, Golden);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
