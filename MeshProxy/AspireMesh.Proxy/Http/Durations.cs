namespace AspireMesh.Proxy.Http;

/// <summary>Durations as timestamps of a <see cref="TimeProvider"/>: the hot path compares two longs and makes no objects.</summary>
internal static class Durations
{
    public static long ToTimestamps(this TimeProvider time, TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    public static double Seconds(this TimeProvider time, long timestamps) => timestamps / (double)time.TimestampFrequency;
}
