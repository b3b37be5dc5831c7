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

    /// <summary>The catalogue's sidecars present a certificate that has run out: they are refused, and the way through orders, inventory and payments is not touched.</summary>
    public static Experiment ExpiredCertificateTakesDownItsOwnerOnly(ExperimentShop shop) => Experiment.Named("an expired certificate takes nobody down but its owner")
        .Load(shop.CheckOutAsync, requests: 4, concurrency: 2, steady: 2)
        .Inject(ChaosEdge.Into("catalog"), Faults.ExpiredCertificate(), o => o.Named("expired").AtCallee())
        .Hypothesis(h => h.SuccessRateAtLeast(1).Answers("frontend", "/api/products", new Tolerance { Status = "500-599" }).Answers("frontend", "/api/products", phase: Phase.Before));

    /// <summary>Every sidecar loses the control plane for longer than the load takes.</summary>
    public static Experiment LostControlPlaneIsNotNoticed(ExperimentShop shop) => Experiment.Named("a lost control plane is not noticed")
        .Load(new LoadDocument { Resource = "frontend", Url = "/api/stock", Requests = 28, Concurrency = 1, Steady = 3, Rate = 2 })
        .Inject(new ChaosEdge(null, null), Faults.ControlDisconnect(), o => o.EndingAfter(TimeSpan.FromSeconds(20)))
        .Hypothesis(h => h.SuccessRateAtLeast(1));
}
