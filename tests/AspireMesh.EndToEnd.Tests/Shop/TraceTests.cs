using System.Net;
using AspireMesh.EndToEnd.Tests.Running;
using Microsoft.Playwright;

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
        await Eventually.GetAsync(async () => await RowsAsync(page), SidecarsFollowTheirResources, "each sidecar's row right below its resource's, and no row in an unknown state", show: rows => string.Join(Environment.NewLine, rows));
        await Browser.SaveAsync(page, "dashboard-resources");
    }

    private static async Task<string[]> RowsAsync(IPage page) =>
        [.. (await page.Locator("tr.fluent-data-grid-row, fluent-data-grid-row").AllInnerTextsAsync()).Select(r => string.Join(' ', r.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))];

    /// <summary>One sidecar below each; below both replicas of the catalogue, where the host tells replicas apart.</summary>
    private static bool SidecarsFollowTheirResources(string[] rows)
    {
        if (rows.Any(r => r.Contains("Unknown", StringComparison.Ordinal))) return false;
        string[] workloads = ["frontend", "catalog", "orders", "inventory", "payments", "cache"];
        return workloads.All(name =>
        {
            var parents = Enumerable.Range(0, rows.Length).Where(i => rows[i].StartsWith(name, StringComparison.Ordinal) && !rows[i].Contains("-sidecar", StringComparison.Ordinal) && !rows[i].StartsWith("cache-connection", StringComparison.Ordinal)).ToArray();
            var followed = parents.Count(i => i + 1 < rows.Length && rows[i + 1].Contains("-sidecar", StringComparison.Ordinal) && rows[i + 1].StartsWith(name, StringComparison.Ordinal));
#if ASPIRE_SIMULATOR
            const int CatalogSidecars = 2;
#else
            const int CatalogSidecars = 1;
#endif
            return parents.Length == (name == "catalog" ? 2 : 1) && followed == (name == "catalog" ? CatalogSidecars : 1);
        });
    }
}
