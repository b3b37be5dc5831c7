using System.Text.Json.Nodes;

namespace Shop.Frontend;

/// <summary>What the page calls; each call goes on to <c>catalog</c> or <c>orders</c>.</summary>
internal static class ShopApi
{
    public const string Catalog = "catalog";
    public const string Orders = "orders";

    public static void MapShopApi(this WebApplication app)
    {
        var api = app.MapGroup("/api");
        api.MapGet("/products", (IHttpClientFactory clients, HttpContext context) => RelayAsync(clients.CreateClient(Catalog), "/products", context));
        api.MapGet("/products/{sku}", (string sku, IHttpClientFactory clients, HttpContext context) =>
            RelayAsync(clients.CreateClient(Catalog), $"/products/{Uri.EscapeDataString(sku)}", context));
        api.MapGet("/stock", (IHttpClientFactory clients, HttpContext context) => RelayAsync(clients.CreateClient(Orders), "/stock", context));
        api.MapPost("/orders", PlaceAsync);
        api.MapGet("/orders/{id}", (string id, IHttpClientFactory clients, HttpContext context) =>
            RelayAsync(clients.CreateClient(Orders), $"/orders/{Uri.EscapeDataString(id)}", context));
        api.MapGet("/orders/{id}/events", (string id, IHttpClientFactory clients, HttpContext context) =>
            RelayAsync(clients.CreateClient(Orders), $"/orders/{Uri.EscapeDataString(id)}/events", context));
        api.Map("/activity", ActivityRelay.RunAsync);
    }

    private static async Task PlaceAsync(JsonObject order, IHttpClientFactory clients, HttpContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/orders") { Content = JsonContent.Create(order) };
        await SendAsync(clients.CreateClient(Orders), request, context);
    }

    private static async Task RelayAsync(HttpClient client, string path, HttpContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        await SendAsync(client, request, context);
    }

    /// <summary>Copies status, type and body as they come, so that an event reaches the page when it happens.</summary>
    private static async Task SendAsync(HttpClient client, HttpRequestMessage request, HttpContext context)
    {
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
            context.Response.Headers.CacheControl = "no-store";
            await using var body = await response.Content.ReadAsStreamAsync(context.RequestAborted);
            var buffer = new byte[16 * 1024];
            int read;
            while ((read = await body.ReadAsync(buffer, context.RequestAborted)) > 0)
            {
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (HttpRequestException error) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            await context.Response.WriteAsJsonAsync(new { error = $"{request.RequestUri} does not answer: {error.Message}" });
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }
}
