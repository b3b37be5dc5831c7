using AspireMesh.EndToEnd.Tests.Running;
using AspireMesh.TestKit;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>What the inbound ports of the shop's sidecars refuse where an AppHost runs it. Its CA never leaves the AppHost's process, so certificates of its own are knocked with where it can be had: in <see cref="RehearsedRefusalTests"/>.</summary>
public abstract class RefusalTests(ShopFixture fixture)
{
    [Fact]
    public async Task No_inbound_port_answers_plaintext_no_certificate_or_one_of_another_mesh()
    {
        var shop = await fixture.GetAsync();
        var status = await shop.StatusAsync();
        // Another mesh of the same user: it says the same names, and another CA vouches for them.
        var other = new TestCertificates(status.TrustDomain);
        var listening = status.Workloads.Where(w => w.Inbound is not null).ToArray();
        Assert.All(["catalog", "orders", "inventory", "payments", "cache"], name => Assert.Contains(listening, w => w.Name.StartsWith(name, StringComparison.Ordinal)));
        foreach (var workload in listening)
        {
            Assert.Equal("", await InboundPort.PlaintextAsync(workload.Inbound!));
            Assert.Equal("", await InboundPort.AskAsync(workload.Inbound!, null));
            Assert.Equal("", await InboundPort.AskAsync(workload.Inbound!, other.Svid("frontend")));
        }
    }
}

/// <summary>All sidecars in the AppHost's process.</summary>
[Collection(SharedShopCollection.Name)]
public sealed class SharedRefusalTests(SharedShop fixture) : RefusalTests(fixture);

/// <summary>A process per sidecar.</summary>
[Collection(PerWorkloadShopCollection.Name)]
public sealed class PerWorkloadRefusalTests(PerWorkloadShop fixture) : RefusalTests(fixture);
