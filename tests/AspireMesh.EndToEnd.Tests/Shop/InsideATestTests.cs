using Aspire.Hosting.Testing;
using AspireMesh.Chaos;
using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

[Collection(OwnShopCollection.Name)]
public sealed class InsideATestTests
{
    [Fact]
    public async Task The_shop_boots_inside_a_test_ships_an_order_and_meets_a_fault_while_it_is_injected()
    {
        Machine.NeedNode();
        var appHost = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Shop_AppHost>(["--Shop:Store=sqlite", "--Mesh:Chaos=true"]);
        await using var app = await appHost.BuildAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await app.StartAsync(patience.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("frontend", patience.Token);

        using var http = app.CreateHttpClient("frontend");
        using var client = new ShopClient(http.BaseAddress!);
        Assert.Equal("Shipped", await client.PlaceAndFollowAsync("lamp", pieces: 1, price: 6_900));

        await using (var fault = await app.InjectAsync(ChaosEdge.Between("orders", "payments"), Faults.Abort(503), cancellationToken: patience.Token))
        {
            Assert.Equal("Failed", await client.PlaceAndFollowAsync("lamp", pieces: 1, price: 6_900));
            await fault.WaitForFiresAsync(cancellationToken: patience.Token);
        }

        // The snippet of docs/chaos.md: the mesh tries again when nobody took the first connection.
        await using (var fault = await app.InjectAsync(ChaosEdge.Between("orders", "inventory"), Faults.Refuse(), o => o.First(1), patience.Token))
        {
            Assert.True((await http.GetAsync("/api/stock", patience.Token)).IsSuccessStatusCode);
            await fault.WaitForFiresAsync(cancellationToken: patience.Token);
        }

        Assert.Equal("Shipped", await client.PlaceAndFollowAsync("lamp", pieces: 1, price: 6_900));
        await app.StopAsync(patience.Token);
    }
}
