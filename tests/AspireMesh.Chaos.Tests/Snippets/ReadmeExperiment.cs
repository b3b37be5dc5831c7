using AspireMesh.Chaos.Experiments;

namespace AspireMesh.Chaos.Tests.Snippets;

/// <summary>The README's experiment, so that it compiles.</summary>
internal static class ReadmeExperiment
{
    public static async Task RunAsync(DistributedApplication app)
    {
        #region Experiment
        var result = await app.RunAsync(Experiment.Named("checkout survives payments that answer 503")
            .Load(PlaceAnOrderAsync, requests: 50)
            .Inject(ChaosEdge.Between("orders", "payments"), Faults.Abort(503), o => o.Percent(30))
            .Hypothesis(h => h.SuccessRateAtLeast(0.99).LatencyBelow(99, TimeSpan.FromSeconds(2))));
        result.EnsureHeld();
        #endregion
    }

    private static Task<bool> PlaceAnOrderAsync(CancellationToken cancellationToken) => Task.FromResult(!cancellationToken.IsCancellationRequested);
}
