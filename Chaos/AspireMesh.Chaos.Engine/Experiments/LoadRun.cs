using System.Diagnostics;

namespace AspireMesh.Chaos.Experiments;

/// <summary>Calls the load so many times, a few at once, and keeps what it saw.</summary>
internal sealed class LoadRun(Func<CancellationToken, Task<bool>> call, TimeProvider time, int concurrency)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Makes the calls.</summary>
    /// <param name="count">How many.</param>
    /// <param name="stop">Looked at after each call; a reason ends the run.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public async Task<Measurement> MeasureAsync(int count, Func<Measurement, string?>? stop, CancellationToken cancellationToken)
    {
        var samples = new List<Sample>(count);
        var gate = new Lock();
        var next = 0;
        var stopped = false;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(concurrency, Math.Max(count, 1))).Select(_ => WorkAsync())).ConfigureAwait(false);
        return new Measurement(samples);

        async Task WorkAsync()
        {
            while (!Volatile.Read(ref stopped) && Interlocked.Increment(ref next) <= count)
            {
                var sample = await OneAsync(cancellationToken).ConfigureAwait(false);
                lock (gate)
                {
                    samples.Add(sample);
                    if (stop?.Invoke(new Measurement([.. samples])) is not null) stopped = true;
                }
            }
        }
    }

    private async Task<Sample> OneAsync(CancellationToken cancellationToken)
    {
        // A trace of its own per call, so that the journal can lead to it.
        using var activity = new Activity("chaos.load").SetIdFormat(ActivityIdFormat.W3C).Start();
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        var began = time.GetTimestamp();
        var succeeded = false;
        try
        {
            succeeded = await call(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && error is not OutOfMemoryException)
        {
            activity.SetStatus(ActivityStatusCode.Error, error.Message);
        }
        return new Sample(time.GetElapsedTime(_start, began), time.GetElapsedTime(began), succeeded, activity.TraceId.ToHexString());
    }
}
