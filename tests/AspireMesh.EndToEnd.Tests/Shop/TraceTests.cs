using System.Net;
using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>What the real Aspire dashboard was told.</summary>
[Collection(PerWorkloadShopCollection.Name)]
public sealed class TraceTests(PerWorkloadShop fixture)
{
    private static readonly string[] Services = ["frontend", "frontend-sidecar", "orders", "orders-sidecar", "inventory"];

    [Fact]
    public async Task A_call_from_the_page_is_one_trace_through_apps_and_sidecars()
    {
        Machine.NeedDashboard();
        var shop = await fixture.GetAsync();
        Assert.NotNull(shop.Dashboard);
        var trace = Guid.NewGuid().ToString("n");
        using var client = new ShopClient(shop.Page);
        await client.FollowAsync(await client.PlaceAsync("globe", pieces: 1, price: 8_800, $"00-{trace}-00f067aa0ba902b7-01"));

        using var dashboard = new HttpClient { BaseAddress = new Uri(shop.Dashboard.GetLeftPart(UriPartial.Authority)) };
        await Eventually.GetAsync(async () =>
        {
            using var answer = await dashboard.GetAsync($"/api/telemetry/traces/{trace}");
            return answer.StatusCode == HttpStatusCode.NotFound ? "" : await answer.Content.ReadAsStringAsync();
        }, text => Services.All(s => text.Contains($"\"{s}\"", StringComparison.Ordinal)), $"spans of {string.Join(", ", Services)} in trace {trace}");
    }

    [Fact]
    public async Task The_resources_page_lists_sidecars_under_their_resources()
    {
        Machine.NeedDashboard();
        var shop = await fixture.GetAsync();
        Assert.NotNull(shop.Dashboard);
        await using var browser = await Browser.StartAsync();
        var page = await browser.OpenAsync(shop.Dashboard);
        await page.GetByText("orders-sidecar", new() { Exact = false }).First.WaitForAsync();
        await page.GetByText("inventory", new() { Exact = false }).First.WaitForAsync();
        await Browser.SaveAsync(page, "dashboard-resources");
    }
}
