using AspireMesh.Protocol.Policies;

namespace AspireMesh.Proxy.Inbound.LoadShedding;

/// <summary>
/// How many requests may run at once, learnt from latency (after Netflix's gradient limit): while recent latency stays within the tolerance of the long-term
/// one the limit grows by its square root, the room a queue may take; when latency grows beyond it the limit shrinks in proportion. What exceeds the limit is
/// refused at once, so those admitted keep their latency.
/// </summary>
internal sealed class GradientLimit(LoadSheddingPolicy policy)
{
    private const int SamplesPerUpdate = 20;
    private const double LongDecay = 1.0 / 600;
    private const double Smoothing = 0.2;
    private readonly Lock _turn = new();
    private double _limit = policy.MinConcurrency;
    private double _longTerm;
    private double _sum;
    private int _samples;
    private int _peak;
    private int _running;

    public LoadSheddingPolicy Policy { get; } = policy;

    public int Limit
    {
        get
        {
            lock (_turn) return (int)_limit;
        }
    }

    public bool TryEnter()
    {
        lock (_turn)
        {
            if (_running >= (int)_limit) return false;
            _running++;
            _peak = Math.Max(_peak, _running);
            return true;
        }
    }

    /// <summary>A request ended.</summary>
    /// <param name="milliseconds">Time to response headers; null when it says nothing (the caller went away).</param>
    public void Exit(double? milliseconds)
    {
        lock (_turn)
        {
            _running--;
            if (milliseconds is not { } sample) return;
            _sum += sample;
            if (++_samples < SamplesPerUpdate) return;
            Update(_sum / _samples);
            _sum = 0;
            _samples = 0;
            _peak = _running;
        }
    }

    private void Update(double recent)
    {
        _longTerm = _longTerm == 0 ? recent : _longTerm + ((recent - _longTerm) * LongDecay);
        // A load that went away must not leave a high baseline behind.
        if (_longTerm > recent * 2) _longTerm *= 0.95;
        // Latency says nothing about a limit that was not nearly reached.
        if (_peak < _limit / 2 && recent <= _longTerm * Policy.Tolerance) return;
        var gradient = Math.Clamp(Policy.Tolerance * _longTerm / Math.Max(recent, 0.001), 0.5, 1.0);
        var target = (_limit * gradient) + (gradient < 1 ? 0 : Math.Sqrt(_limit));
        _limit = Math.Clamp((_limit * (1 - Smoothing)) + (target * Smoothing), Policy.MinConcurrency, Policy.MaxConcurrency);
    }
}
