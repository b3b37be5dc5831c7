using System.Net.WebSockets;
using System.Text.Json;
using Grpc.Core;
using Shop.Inventory.V1;
using Shop.Orders;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<OrderBook>();
builder.Services.AddSingleton<OrderProcess>();
builder.Services.AddHttpClient(OrderProcess.PaymentsClient, client => client.BaseAddress = new Uri("https+http://payments"));
// The endpoint "grpc" of the resource "inventory"; gRPC takes no "https+http" scheme.
builder.Services.AddGrpcClient<Inventory.InventoryClient>(options => options.Address = new Uri("http://_grpc.inventory"));
var app = builder.Build();
app.MapDefaultEndpoints();
app.UseWebSockets();

app.MapPost("/orders", (OrderRequest order, OrderProcess process, OrderBook book, IHostApplicationLifetime lifetime) =>
{
    if (order.Pieces is < 1 or > 100 || order.Price <= 0 || string.IsNullOrWhiteSpace(order.Sku))
    {
        return Results.BadRequest(new { error = "sku, pieces (1 to 100) and price (cents) are needed" });
    }

    var id = Guid.CreateVersion7().ToString("n")[^8..];
    // The order goes on when the customer closes the page. The trace stays: the call is made inside this request's activity.
    _ = process.RunAsync(id, order, lifetime.ApplicationStopping);
    return Results.Accepted($"/orders/{id}", new { id, status = book.Find(id)?[^1].Status ?? OrderStatus.Placed });
});
app.MapGet("/orders/{id}", (string id, OrderBook book) => book.Find(id) is { } steps ? Results.Ok(new { id, status = steps[^1].Status, steps }) : Results.NotFound());
app.MapGet("/orders/{id}/events", (string id, OrderBook book, CancellationToken cancellation) =>
    TypedResults.ServerSentEvents(book.WatchAsync(id, cancellation), "step"));
app.MapGet("/stock", async (Inventory.InventoryClient inventory, CancellationToken cancellation) =>
{
    try
    {
        var reply = await inventory.ListAsync(new ListRequest(), cancellationToken: cancellation);
        return Results.Ok(new { store = reply.Store, levels = reply.Levels.ToDictionary(l => l.Sku, l => l.Pieces) });
    }
    catch (RpcException error)
    {
        return Results.Problem($"The stock does not answer ({error.StatusCode}).", statusCode: StatusCodes.Status503ServiceUnavailable);
    }
});
app.MapGet("/activity", async (HttpContext context, OrderBook book) =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
        return;
    }

    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    await ActivityFeed.SendAsync(socket, book, JsonSerializerOptions.Web, context.RequestAborted);
});
app.Run();
