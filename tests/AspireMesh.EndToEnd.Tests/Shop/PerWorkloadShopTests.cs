using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>A process per sidecar: the tests of both ways of hosting, and those that need the process.</summary>
public abstract class SidecarProcessTests(ShopFixture fixture) : ReplicatedShopTests(fixture)
{
    private readonly ShopFixture fixture = fixture;

    [Fact]
    public async Task An_order_fails_while_the_sidecar_it_needs_is_paused_and_goes_through_afterwards()
    {
        Machine.NeedLinux();
        var shop = await fixture.GetAsync();
        using var client = new ShopClient(shop.Page);
        Assert.Equal("Shipped", await client.PlaceAndFollowAsync("kettle", pieces: 1, price: 4_500));

        var sidecar = Sidecar(shop, "inventory");
        Signals.SendStop(sidecar);
        try
        {
            Assert.Equal("Failed", await client.PlaceAndFollowAsync("kettle", pieces: 1, price: 4_500));
        }
        finally
        {
            Signals.SendContinue(sidecar);
        }

        await Eventually.TrueAsync(async () => await client.PlaceAndFollowAsync("kettle", pieces: 1, price: 4_500) == "Shipped", "an order that goes through again");
    }

    [Fact]
    public async Task A_sidecar_that_dies_is_replaced_and_the_shop_goes_on()
    {
        Machine.NeedLinux();
        var shop = await fixture.GetAsync();
        using var client = new ShopClient(shop.Page);
        var dead = Sidecar(shop, "payments");
        Signals.SendKill(dead);

        await Eventually.TrueAsync(() => shop.Sidecars("payments").Any(pid => pid != dead), "a new sidecar of payments");
        await Eventually.TrueAsync(async () => await client.PlaceAndFollowAsync("compass", pieces: 1, price: 3_200) == "Shipped", "an order that goes through the new sidecar");
    }

    private static int Sidecar(RunningShop shop, string workload)
    {
        var pids = shop.Sidecars(workload);
        Assert.True(pids.Length == 1, $"{pids.Length} sidecar processes of {workload} among:{Environment.NewLine}{string.Join(Environment.NewLine, shop.Processes())}");
        return pids[0];
    }
}

/// <summary>The shop by its AppHost.</summary>
[Collection(PerWorkloadShopCollection.Name)]
public sealed class PerWorkloadShopTests(PerWorkloadShop fixture) : SidecarProcessTests(fixture);

/// <summary>The shop by its chart.</summary>
[Collection(ShopRehearsalCollection.Name)]
public sealed class RehearsedShopTests(ShopRehearsal fixture) : SidecarProcessTests(fixture);

/// <summary>The shop by its chart, where no namespaces can be made.</summary>
[Collection(ShopLoopbackRehearsalCollection.Name)]
public sealed class ShopRehearsedOnLoopbackTests(ShopLoopbackRehearsal fixture) : ShopTests(fixture);
