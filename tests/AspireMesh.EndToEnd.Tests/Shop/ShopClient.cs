using System.Net.Http.Json;
using System.Text.Json;
using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>What the page does, without a browser.</summary>
internal sealed class ShopClient(Uri page) : IDisposable
{
    private static readonly string[] Ends = ["Shipped", "OutOfStock", "Declined", "Failed"];
    private readonly HttpClient http = new() { BaseAddress = page };

    public HttpClient Http => http;

    /// <summary>The order's id.</summary>
    public async Task<string> PlaceAsync(string sku, int pieces, int price, string? traceParent = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/orders") { Content = JsonContent.Create(new { sku, name = sku, pieces, price }) };
        if (traceParent is not null) request.Headers.Add("traceparent", traceParent);
        using var response = await http.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    /// <summary>The status an order ends with.</summary>
    public async Task<string> FollowAsync(string id) => await Eventually.GetAsync(
        async () => (await http.GetFromJsonAsync<JsonElement>($"/api/orders/{id}")).GetProperty("status").GetString()!, Ends.Contains, $"the end of order {id}");

    public async Task<string> PlaceAndFollowAsync(string sku, int pieces, int price) => await FollowAsync(await PlaceAsync(sku, pieces, price));

    public void Dispose() => http.Dispose();
}
