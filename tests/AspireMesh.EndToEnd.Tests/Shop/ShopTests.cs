using System.Net.Http.Json;
using System.Text.Json;
using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>What the meshed shop must do, whichever way its sidecars are hosted.</summary>
public abstract class ShopTests(ShopFixture fixture)
{
    private const string Loaded = ".card";
    private static readonly string[] Edges = ["catalog>cache", "frontend>catalog", "frontend>orders", "inventory>postgres", "orders>inventory", "orders>payments"];

    [Fact]
    public async Task The_page_lists_the_catalogue_places_an_order_and_shows_its_status()
    {
        var shop = await fixture.GetAsync();
        await using var browser = await Browser.StartAsync();
        var page = await browser.OpenAsync(shop.Page);
        await page.Locator(Loaded).First.WaitForAsync();
        Assert.Equal(6, await page.Locator(Loaded).CountAsync());

        await page.Locator(".card[data-sku=compass] input[name=pieces]").FillAsync("2");
        await page.Locator(".card[data-sku=compass] button").ClickAsync();
        await page.Locator(".order[data-end]").WaitForAsync();
        await page.Locator("#activity li").First.WaitForAsync();
        await Browser.SaveAsync(page, $"shop-{fixture.Mode}");

        var order = await page.Locator(".order").First.InnerTextAsync();
        Assert.Contains("2 × Pocket compass", order, StringComparison.Ordinal);
        Assert.Contains("Shipped", order, StringComparison.Ordinal);
        Assert.StartsWith("catalog-", await page.Locator("#replica").InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_order_of_more_than_there_is_says_out_of_stock_and_one_over_the_limit_says_declined()
    {
        var shop = await fixture.GetAsync();
        using var client = new ShopClient(shop.Page);
        Assert.Equal("OutOfStock", await client.PlaceAndFollowAsync("parrot", pieces: 50, price: 100));
        Assert.Equal("Declined", await client.PlaceAndFollowAsync("boots", pieces: 10, price: 12_900));
    }

    [Fact]
    public async Task Aspiremesh_check_says_that_all_is_well()
    {
        var shop = await fixture.GetAsync();
        var run = await shop.MeshAsync("check", "--wait", "90");
        Assert.True(run.ExitCode == 0, run.ToString());
    }

    [Fact]
    public async Task Status_lists_every_edge_with_mtls_seen_and_counts_that_rise()
    {
        Machine.NeedPostgres();
        var shop = await fixture.GetAsync();
        using var client = new ShopClient(shop.Page);
        await client.PlaceAndFollowAsync("lamp", pieces: 1, price: 6_900);
        Assert.True((await client.Http.GetAsync("/api/products")).IsSuccessStatusCode);
        var before = await Eventually.GetAsync(shop.StatusAsync, s => Edges.All(name => s.Edges.Any(e => $"{e.From}>{e.To}" == name && e.Mtls == true && e.Requests > 0)), $"mtls and requests on {string.Join(", ", Edges)}", show: Describe);

        await client.PlaceAndFollowAsync("lamp", pieces: 1, price: 6_900);
        string[] rising = ["frontend>orders", "orders>inventory", "orders>payments"];
        await Eventually.GetAsync(shop.StatusAsync, after => rising.All(name => Requests(after, name) > Requests(before, name)), "request counts that rise", show: Describe);

        static string Describe(Protocol.Admin.MeshStatus status) => string.Join(Environment.NewLine, status.Edges);

        static long Requests(Protocol.Admin.MeshStatus status, string edge) => status.Edges.Where(e => $"{e.From}>{e.To}" == edge).Sum(e => e.Requests);
    }

    [Fact]
    public async Task The_operators_commands_show_and_change_the_running_shop()
    {
        var shop = await fixture.GetAsync();
        using var client = new ShopClient(shop.Page);
        // The first call of all finds services that have yet to warm up; what is looked at here is the commands.
        await Eventually.TrueAsync(async () => (await client.Http.GetAsync("/api/products")).IsSuccessStatusCode, "the catalogue through the mesh");
        Assert.Equal(("frontend", "catalog", 200), await TapAsync(shop, client));

        var stat = await Eventually.GetAsync(() => JsonAsync(shop, "stat"), s => Row(s, "frontend", "catalog") is { } row && row.GetProperty("requests").GetInt64() > 0 && row.GetProperty("p99Ms").ValueKind == JsonValueKind.Number, "counts and latencies of frontend > catalog");
        Assert.True(Row(stat, "frontend", "catalog")!.Value.GetProperty("attempts").GetInt64() > 0);

        Assert.Equal("frontend", (await JsonAsync(shop, "config", "frontend")).GetProperty("workload").GetString());

        // A leg that gets nothing: the shop goes on as before, and its sidecar was told.
        var moved = await shop.MeshAsync("split", "--from", "frontend", "--to", "catalog", "--leg", "orders", "--percent", "0");
        Assert.True(moved.ExitCode == 0, moved.ToString());
        var routes = await Eventually.GetAsync(() => JsonAsync(shop, "routes", "--from", "frontend"), r => Row(r, "frontend", "catalog", "split") is not null, "the split among the routes");
        // Weights are shares of their sum.
        var weights = Row(routes, "frontend", "catalog", "split")!.Value.GetProperty("legs").EnumerateArray().Select(l => l.GetProperty("weight").GetInt32()).ToArray();
        Assert.Equal([0, 100], weights.Select(w => w * 100 / weights.Sum()).Order());
        using var after = await client.Http.GetAsync("/api/products");
        Assert.True(after.IsSuccessStatusCode, $"{(int)after.StatusCode} {await after.Content.ReadAsStringAsync()}");
        foreach (var command in new[] { "stat", "routes" }) Assert.Contains("catalog", (await shop.MeshAsync(command)).Output);

        // Routes are a sidecar's, which a pod names after itself.
        static bool IsOf(string caller, string workload) => caller == workload || caller.StartsWith($"{workload}-", StringComparison.Ordinal);

        static JsonElement? Row(JsonElement rows, string from, string to, string? route = null) => rows.EnumerateArray().Select(r => (JsonElement?)r).FirstOrDefault(
            r => IsOf(r!.Value.GetProperty("from").GetString()!, from) && r.Value.GetProperty("to").GetString() == to && (route is null || (r.Value.TryGetProperty("route", out var name) && name.GetString() == route)));
    }

    /// <summary>What <c>tap</c> shows of one request, while requests are sent.</summary>
    private static async Task<(string? From, string? To, int Status)> TapAsync(RunningShop shop, ShopClient client)
    {
        var tap = JsonAsync(shop, "tap", "--from", "frontend", "--to", "catalog", "--count", "1");
        while (!tap.IsCompleted) (await client.Http.GetAsync("/api/products")).Dispose();
        var tapped = await tap;
        return (tapped.GetProperty("from").GetString(), tapped.GetProperty("to").GetString(), tapped.GetProperty("status").GetInt32());
    }

    private static async Task<JsonElement> JsonAsync(RunningShop shop, params string[] arguments)
    {
        var run = await shop.MeshAsync([.. arguments, "--json"]);
        Assert.True(run.ExitCode == 0, run.ToString());
        return JsonDocument.Parse(run.Output).RootElement;
    }

    [Fact]
    public async Task The_ready_line_says_what_runs_and_how()
    {
        var shop = await fixture.GetAsync();
        Assert.All(shop.Announced, words => Assert.Contains(words, shop.ReadyLine, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("strict", shop.ReadyLine, StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>The same where both replicas of the catalogue run: everywhere but on one loopback address, whose pods would share a port.</summary>
public abstract class ReplicatedShopTests(ShopFixture fixture) : ShopTests(fixture)
{
#if ASPIRE_SIMULATOR
    private const int RequestsAtOnce = 1;
#else
    // Aspire's orchestrator balances connections: a second one is opened only while the first is in use.
    private const int RequestsAtOnce = 16;
#endif
    private readonly ShopFixture fixture = fixture;

    [Fact]
    public async Task Requests_are_spread_over_both_replicas_of_the_catalogue()
    {
        var shop = await fixture.GetAsync();
        using var client = new HttpClient { BaseAddress = shop.Page };
        var replicas = new HashSet<string>();
        await Eventually.TrueAsync(async () =>
        {
            foreach (var answer in await Task.WhenAll(Enumerable.Range(0, RequestsAtOnce).Select(_ => client.GetFromJsonAsync<JsonElement>("/api/products"))))
            {
                replicas.Add(answer.GetProperty("replica").GetString()!);
            }

            return replicas.Count == 2;
        }, "answers of both replicas");
    }
}

/// <summary>All sidecars in the AppHost's process.</summary>
[Collection(SharedShopCollection.Name)]
public sealed class SharedShopTests(SharedShop fixture) : ReplicatedShopTests(fixture);
