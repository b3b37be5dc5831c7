using System.Net;
using Grpc.Core;
using Shop.Inventory.V1;

namespace Shop.Orders;

/// <summary>Takes one order from placed to shipped: stock over gRPC, money over HTTP. Every outcome is a step in the book.</summary>
internal sealed partial class OrderProcess(Inventory.V1.Inventory.InventoryClient inventory, IHttpClientFactory clients, OrderBook book, TimeProvider clock, ILogger<OrderProcess> logger)
{
    public const string PaymentsClient = "payments";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    public async Task RunAsync(string id, OrderRequest order, CancellationToken cancellation)
    {
        Step(id, OrderStatus.Placed, $"{order.Pieces} × {order.Name}");
        var reserve = new ReserveRequest { Sku = order.Sku, Pieces = order.Pieces };
        try
        {
            var reserved = await inventory.ReserveAsync(reserve, deadline: clock.GetUtcNow().UtcDateTime + Deadline, cancellationToken: cancellation);
            if (!reserved.Accepted)
            {
                Step(id, OrderStatus.OutOfStock, $"Only {reserved.Left} left");
                return;
            }

            Step(id, OrderStatus.Reserved, $"{reserved.Left} left on the shelf");
            if (await PayAsync(id, order, cancellation) is { } refusal)
            {
                await inventory.ReleaseAsync(reserve, deadline: clock.GetUtcNow().UtcDateTime + Deadline, cancellationToken: cancellation);
                Step(id, refusal.Status, refusal.Text);
                return;
            }

            Step(id, OrderStatus.Paid, $"{order.Pieces * order.Price / 100m:0.00} € taken");
            await Task.Delay(TimeSpan.FromMilliseconds(400), clock, cancellation);
            Step(id, OrderStatus.Shipped, "On its way to you");
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException)
        {
            OrderFailed(logger, id, error);
            Step(id, OrderStatus.Failed, error is RpcException rpc ? $"The stock does not answer ({rpc.StatusCode})" : "The shop closes");
        }
    }

    /// <summary>Null when the money was taken, what became of the order otherwise.</summary>
    private async Task<(OrderStatus Status, string Text)?> PayAsync(string id, OrderRequest order, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(Deadline);
        try
        {
            using var response = await clients.CreateClient(PaymentsClient).PostAsJsonAsync("/payments", new { order = id, amount = order.Pieces * order.Price }, deadline.Token);
            if (response.StatusCode == HttpStatusCode.PaymentRequired) return (OrderStatus.Declined, "The payment was declined");
            response.EnsureSuccessStatusCode();
            return null;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            OrderFailed(logger, id, error);
            return (OrderStatus.Failed, "The payment does not go through");
        }
    }

    private void Step(string id, OrderStatus status, string text) => book.Add(new OrderEvent(id, status, text, clock.GetUtcNow()));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Order {Order} failed")]
    private static partial void OrderFailed(ILogger logger, string order, Exception error);
}
