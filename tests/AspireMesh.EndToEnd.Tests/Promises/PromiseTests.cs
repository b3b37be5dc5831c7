using Aspire.Hosting.Testing;
using AspireMesh.Chaos;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;
using AspireMesh.Hosting;
using AspireMesh.Protocol.Model;

namespace AspireMesh.EndToEnd.Tests.Promises;

/// <summary>Each promise is kept by the shop as it is, and broken by one that lacks what protects it: otherwise the experiment would show nothing.</summary>
[Collection(PromiseCollection.Name)]
public sealed class PromiseTests(PromiseShops shops)
{
    [Fact]
    public Task Checkout_survives_a_slow_payments() => HoldsAsync(ShopPromises.CheckoutSurvivesSlowPayments);

    [Fact]
    public Task A_dead_inventory_replica_is_not_noticed() => HoldsAsync(ShopPromises.DeadInventoryReplicaIsNotNoticed);

    [Fact]
    public Task An_expired_certificate_takes_nobody_down_but_its_owner() => HoldsAsync(ShopPromises.ExpiredCertificateTakesDownItsOwnerOnly);

    [Fact]
    public Task A_lost_control_plane_is_not_noticed() => HoldsAsync(ShopPromises.LostControlPlaneIsNotNoticed);

    [Fact]
    public Task Without_mutual_TLS_an_expired_certificate_does_not_even_take_its_owner_down() => BreaksAsync(ShopPromises.ExpiredCertificateTakesDownItsOwnerOnly);

    [Fact]
    public Task With_certificates_that_last_no_longer_than_the_loss_a_lost_control_plane_is_noticed() => BreaksAsync(ShopPromises.LostControlPlaneIsNotNoticed, "short-lived certificates", WithShortCertificates);

    [Fact]
    public Task Without_the_policies_of_its_edge_checkout_does_not_survive_a_slow_payments() => BreaksAsync(ShopPromises.CheckoutSurvivesSlowPayments);

    [Fact]
    public Task With_one_replica_a_dead_inventory_is_noticed() => BreaksAsync(ShopPromises.DeadInventoryReplicaIsNotNoticed);

    private async Task HoldsAsync(Func<ExperimentShop, Experiment> promise)
    {
        var shop = await shops.GetAsync("as it is", null);
        var result = await shop.App.RunAsync(promise(shop), TestContext.Current.CancellationToken);
        Assert.True(result.Verdict == Verdict.Held, ExperimentReport.ToMarkdown(result));
    }

    private Task BreaksAsync(Func<ExperimentShop, Experiment> promise) => BreaksAsync(promise, "without protection", WithoutProtection);

    private async Task BreaksAsync(Func<ExperimentShop, Experiment> promise, string variation, Action<IDistributedApplicationTestingBuilder> vary)
    {
        var shop = await shops.GetAsync(variation, vary);
        var result = await shop.App.RunAsync(promise(shop), TestContext.Current.CancellationToken);
        Assert.True(result.Verdict == Verdict.Failed, ExperimentReport.ToMarkdown(result));
    }

    private static void WithShortCertificates(IDistributedApplicationTestingBuilder builder) => builder.Resources.OfType<MeshResource>().Single().Options.SvidLifetime = TimeSpan.FromSeconds(8);

    // What the AppHost says of edges is kept on the mesh resource.
    private static void WithoutProtection(IDistributedApplicationTestingBuilder builder)
    {
        var mesh = builder.Resources.OfType<MeshResource>().Single();
        foreach (var policy in mesh.Annotations.Where(a => a.GetType().Name == "MeshEdgeAnnotation").ToArray()) mesh.Annotations.Remove(policy);
        mesh.Options.Mtls = MtlsMode.Disabled;
        var inventory = builder.Resources.Single(r => r.Name == "inventory");
        foreach (var replicas in inventory.Annotations.OfType<ReplicaAnnotation>().ToArray()) inventory.Annotations.Remove(replicas);
    }
}
