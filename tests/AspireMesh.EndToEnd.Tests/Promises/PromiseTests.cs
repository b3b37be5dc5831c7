using Aspire.Hosting.Testing;
using AspireMesh.Chaos;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;

namespace AspireMesh.EndToEnd.Tests.Promises;

[Collection(PromiseCollection.Name)]
public sealed class PromiseTests(PromiseShops shops)
{
    [Fact]
    public Task Checkout_survives_a_slow_payments() => HoldsAsync(ShopPromises.CheckoutSurvivesSlowPayments);

    [Fact]
    public Task A_dead_inventory_replica_is_not_noticed() => HoldsAsync(ShopPromises.DeadInventoryReplicaIsNotNoticed);

    private async Task HoldsAsync(Func<ExperimentShop, Experiment> promise)
    {
        var shop = await shops.GetAsync("as it is", null);
        var result = await shop.App.RunAsync(promise(shop), TestContext.Current.CancellationToken);
        Assert.True(result.Verdict == Verdict.Held, ExperimentReport.ToMarkdown(result));
    }
}
