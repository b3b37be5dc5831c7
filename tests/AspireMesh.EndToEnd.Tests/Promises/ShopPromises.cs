using AspireMesh.Chaos;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;

namespace AspireMesh.EndToEnd.Tests.Promises;

/// <summary>What the shop promises, as experiments. Each is run on the shop as it is and on one without what protects it.</summary>
internal static class ShopPromises
{
    /// <summary>The first two payments hang; the order's own patience is 8 s.</summary>
    public static Experiment CheckoutSurvivesSlowPayments(ExperimentShop shop) => Experiment.Named("checkout survives a slow payments")
        .Load(shop.CheckOutAsync, requests: 4, concurrency: 2, steady: 2)
        .Inject(ChaosEdge.Between("orders", "payments"), Faults.Delay(TimeSpan.FromSeconds(20)), o => o.Named("slow").OnPath("/payments").OnMethod("POST").First(2))
        .Hypothesis(h => h.SuccessRateAtLeast(1).FiresAtLeast(2, "slow").SuccessRateAtLeast(1, Phase.After));

    /// <summary>One process of the inventory is killed; it is started again at the end.</summary>
    public static Experiment DeadInventoryReplicaIsNotNoticed(ExperimentShop shop) => Experiment.Named("a dead inventory replica is not noticed")
        .Load(shop.LookAtStockAsync, requests: 40, concurrency: 2, steady: 4)
        .Step(s => s.Process(new ProcessDocument { Action = ProcessAction.Kill, Resource = "inventory", Instance = 0 }))
        .Hypothesis(h => h.SuccessRateAtLeast(1).SuccessRateAtLeast(1, Phase.After));
}
