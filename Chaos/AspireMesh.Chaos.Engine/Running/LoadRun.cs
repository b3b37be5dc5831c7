using System.Diagnostics;
using AspireMesh.Chaos.Experiments;

namespace AspireMesh.Chaos.Running;

/// <summary>Calls the load so many times, a few at once, and keeps what it saw.</summary>
internal sealed class LoadRun(Func<CancellationToken, Task<bool>> call, TimeProvider time, int concurrency, double rate)
{
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _gate = new();
    private List<Sample> _samples = [];

    /// <summary>What the running phase has seen so far.</summary>
    public Measurement SoFar
    {
        get
        {
            lock (_gate) return new Measurement([.. _samples]);
        }
    }

    /// <summary>Makes the calls.</summary>
    /// <param name="count">How many.</param>
    /// <param name="stop">Looked at after each call; true ends the run.</param>
    /// <param name="cancellationToken">Ends the run; calls that are under way then are not counted.</param>
    public async Task<Measurement> MeasureAsync(int count, Func<Measurement, bool>? stop, CancellationToken cancellationToken)
    {
        lock (_gate) _samples = new List<Sample>(count);
        var began = time.GetTimestamp();
        var next = 0;
        var stopped = false;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(concurrency, Math.Max(count, 1))).Select(_ => WorkAsync())).ConfigureAwait(false);
        return SoFar;

        async Task WorkAsync()
        {
            while (!Volatile.Read(ref stopped))
            {
                var turn = Interlocked.Increment(ref next);
                if (turn > count) return;
                if (rate > 0)
                {
                    var due = TimeSpan.FromSeconds((turn - 1) / rate) - time.GetElapsedTime(began);
                    if (due > TimeSpan.Zero) await Task.Delay(due, time, cancellationToken).ConfigureAwait(false);
                }
                var sample = await OneAsync(cancellationToken).ConfigureAwait(false);
                lock (_gate)
                {
                    _samples.Add(sample);
                    if (stop?.Invoke(new Measurement([.. _samples])) == true) stopped = true;
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
