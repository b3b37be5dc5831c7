using System.Buffers;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.OutlierDetection;
using AspireMesh.Proxy.Outbound.Retries;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>Why no destination could be chosen.</summary>
internal enum ChoiceFailure
{
    /// <summary>One was chosen.</summary>
    None,

    /// <summary>The cluster has no destination, or none that is healthy and panic is off.</summary>
    NoneHealthy,

    /// <summary>Every breaker is Open.</summary>
    BreakersOpen,
}

/// <summary>
/// A cluster of one snapshot. Choosing goes: healthy ones (all of them below the panic threshold) → breakers that admit → those with a weight, while there are any →
/// the caller's zone while enough of it is healthy → not those already tried, while others are there → the load balancer.
/// </summary>
internal sealed class Cluster(ClusterSnapshot snapshot, Destination[] destinations, ILoadBalancer balancer, OutlierDetector? outliers, string? zone)
{
    private readonly double _panicPercent = (snapshot.OutlierDetection ?? new OutlierDetectionPolicy()).PanicThresholdPercent;
    private readonly bool _someHaveNoWeight = destinations.Any(d => d.Snapshot.Weight <= 0);

    public ClusterSnapshot Snapshot { get; } = snapshot;

    public ILoadBalancer Balancer { get; } = balancer;

    public OutlierDetector? Outliers { get; } = outliers;

    public ReadOnlySpan<Destination> Destinations => destinations;

    /// <summary>Chooses a destination and takes a place in its breaker; whoever gets one must <see cref="Observe"/> it once and end it in its state.</summary>
    public Destination? Choose(HttpContext? context, List<DestinationState>? tried, out ChoiceFailure failure) => Choose(new Asker(context, null), tried, out failure);

    /// <summary>Chooses a destination for whoever asks.</summary>
    public Destination? Choose(Asker asker, List<DestinationState>? tried, out ChoiceFailure failure)
    {
        failure = ChoiceFailure.NoneHealthy;
        if (destinations.Length == 0) return null;
        var rented = ArrayPool<Destination>.Shared.Rent(destinations.Length);
        try
        {
            var count = Collect(rented, out failure);
            count = WithWeight(rented, count);
            count = PreferZone(rented, count);
            count = WithoutTried(rented, count, tried);
            while (count > 0)
            {
                var index = Balancer.Choose(rented.AsSpan(0, count), asker);
                var chosen = rented[index];
                if (chosen.Breaker is null || chosen.Breaker.TryEnter())
                {
                    chosen.State.Begin();
                    failure = ChoiceFailure.None;
                    return chosen;
                }

                // Another request took HalfOpen's one place between the look and the step.
                rented[index] = rented[--count];
                failure = ChoiceFailure.BreakersOpen;
            }

            return null;
        }
        finally
        {
            ArrayPool<Destination>.Shared.Return(rented, clearArray: true);
        }
    }

    /// <summary>Response headers came, or the attempt failed before them.</summary>
    public void Observe(Destination destination, in AttemptOutcome outcome, TimeSpan elapsed)
    {
        var aboutDestination = outcome.Failure is not (AttemptFailure.CallerGone or AttemptFailure.BadRequest);
        destination.Breaker?.Exit(aboutDestination ? outcome.IsDestinationFailure : null);
        if (!aboutDestination) return;
        if (outcome.IsDestinationFailure) destination.State.Latency.ObserveFailure(elapsed.TotalMilliseconds, Snapshot.LoadBalancing.EwmaDecay);
        else destination.State.Latency.Observe(elapsed.TotalMilliseconds, Snapshot.LoadBalancing.EwmaDecay);
        Outliers?.Observe(destinations, destination, outcome, elapsed.TotalMilliseconds);
    }

    private int Collect(Destination[] into, out ChoiceFailure failure)
    {
        int healthy = 0, count = 0;
        foreach (var destination in destinations)
        {
            if (!destination.IsHealthy) continue;
            healthy++;
            if (destination.IsAdmitting) into[count++] = destination;
        }

        failure = healthy > 0 ? ChoiceFailure.BreakersOpen : ChoiceFailure.NoneHealthy;
        if (healthy == destinations.Length || healthy * 100.0 >= _panicPercent * destinations.Length && healthy > 0) return count;
        if (_panicPercent <= 0) return count;
        count = 0;
        foreach (var destination in destinations)
            if (destination.IsAdmitting) into[count++] = destination;
        failure = ChoiceFailure.BreakersOpen;
        return count;
    }

    private int WithWeight(Destination[] candidates, int count)
    {
        if (!_someHaveNoWeight) return count;
        var weighted = 0;
        for (var i = 0; i < count; i++)
            if (candidates[i].Snapshot.Weight > 0) weighted++;
        return weighted == 0 ? count : Keep(candidates, count, 0, static (c, zero) => c.Snapshot.Weight > zero);
    }

    private int PreferZone(Destination[] candidates, int count)
    {
        if (zone is null || Snapshot.LoadBalancing.PreferLocalPercent <= 0) return count;
        int local = 0, usable = 0;
        foreach (var destination in destinations)
            if (destination.Snapshot.Zone == zone) local++;
        for (var i = 0; i < count; i++)
            if (candidates[i].Snapshot.Zone == zone) usable++;
        if (usable == 0 || usable * 100.0 < Snapshot.LoadBalancing.PreferLocalPercent * local) return count;
        return Keep(candidates, count, this, static (c, self) => c.Snapshot.Zone == self.Zone);
    }

    private string? Zone => zone;

    private static int WithoutTried(Destination[] candidates, int count, List<DestinationState>? tried)
    {
        if (tried is not { Count: > 0 }) return count;
        var fresh = 0;
        for (var i = 0; i < count; i++)
            if (!tried.Contains(candidates[i].State)) fresh++;
        return fresh == 0 ? count : Keep(candidates, count, tried, static (c, t) => !t.Contains(c.State));
    }

    private static int Keep<TState>(Destination[] candidates, int count, TState state, Func<Destination, TState, bool> predicate)
    {
        var kept = 0;
        for (var i = 0; i < count; i++)
            if (predicate(candidates[i], state)) candidates[kept++] = candidates[i];
        return kept;
    }
}
