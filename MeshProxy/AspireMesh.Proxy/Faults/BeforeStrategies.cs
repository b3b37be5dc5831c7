using Polly;
using Polly.Simmy;
using Polly.Simmy.Behavior;
using Polly.Simmy.Latency;
using Polly.Simmy.Outcomes;

namespace AspireMesh.Proxy.Faults;

/// <summary>
/// What acts before a request is forwarded: Simmy strategies in one Polly pipeline for each edge, in the order of the faults. Polly waits on our clock, ends with the attempt's token
/// and stops at the first outcome. Whether a strategy injects is not for its dice: seed, edge and ordinal have decided that before the pipeline runs.
/// </summary>
internal sealed class BeforeStrategies
{
    private static readonly ResiliencePropertyKey<FiredFaults> s_fired = new("fired");

    private readonly ResiliencePipeline<FaultEffect> _pipeline;

    private BeforeStrategies(ResiliencePipeline<FaultEffect> pipeline) => _pipeline = pipeline;

    /// <param name="sequences">The faults of an edge, in their order.</param>
    /// <param name="time">The clock that delays wait on.</param>
    /// <returns>Null where none of them acts before the request is forwarded.</returns>
    public static BeforeStrategies? Compile(FaultSequence[] sequences, TimeProvider time)
    {
        if (!Array.Exists(sequences, static s => s.Kind is IBeforeFault)) return null;
        var builder = new ResiliencePipelineBuilder<FaultEffect> { TimeProvider = time };
        foreach (var sequence in sequences)
            if (sequence.Kind is IBeforeFault kind) kind.AddTo(new BeforeBuilder(builder, sequence, s_fired));
        return new BeforeStrategies(builder.Build());
    }

    /// <summary>Runs those that hit this request; the first that ends it wins.</summary>
    public async ValueTask<FaultEffect> RunAsync(FiredFaults fired, CancellationToken cancellation)
    {
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellation);
        try
        {
            context.Properties.Set(s_fired, fired);
            return await _pipeline.ExecuteAsync(static (_, _) => ValueTask.FromResult(FaultEffect.None), context, 0);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }
}

/// <summary>The strategies that a kind is made of. They inject into the requests that its rule hits, and into those always.</summary>
internal sealed class BeforeBuilder(ResiliencePipelineBuilder<FaultEffect> builder, FaultSequence sequence, ResiliencePropertyKey<FiredFaults> fired)
{
    /// <summary>Waits.</summary>
    public void Delay(Func<FaultFiring, TimeSpan> length) => builder.AddChaosLatency(Always(new ChaosLatencyStrategyOptions
    {
        LatencyGenerator = a =>
        {
            Fired(a.Context).Delayed = true;
            return ValueTask.FromResult(length(Firing(a.Context) ?? default));
        },
    }));

    /// <summary>Ends the request with this; nothing after it runs.</summary>
    public void End(FaultEffect effect) => builder.AddChaosOutcome(Always(new ChaosOutcomeStrategyOptions<FaultEffect>
    {
        OutcomeGenerator = _ => ValueTask.FromResult<Outcome<FaultEffect>?>(Outcome.FromResult(effect)),
    }));

    /// <summary>Does something on the side.</summary>
    public void Do(Action action) => builder.AddChaosBehavior(Always(new ChaosBehaviorStrategyOptions
    {
        BehaviorGenerator = _ =>
        {
            action();
            return default;
        },
    }));

    private T Always<T>(T options) where T : ChaosStrategyOptions
    {
        options.Name = sequence.Rule.Id;
        options.InjectionRate = 1;
        options.Randomizer = static () => 0;
        options.EnabledGenerator = a => ValueTask.FromResult(Firing(a.Context) is not null);
        return options;
    }

    private FaultFiring? Firing(ResilienceContext context) => Fired(context).FiringOf(sequence);

    private FiredFaults Fired(ResilienceContext context) => context.Properties.GetValue(fired, null!);
}
