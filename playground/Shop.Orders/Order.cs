using System.Text.Json.Serialization;

namespace Shop.Orders;

/// <summary>What the customer asks for. Price in cents per piece.</summary>
internal sealed record OrderRequest(string Sku, string Name, int Pieces, int Price);

[JsonConverter(typeof(JsonStringEnumConverter<OrderStatus>))]
internal enum OrderStatus
{
    Placed,
    Reserved,
    Paid,
    Shipped,
    OutOfStock,
    Declined,
    Failed,
}

/// <summary>One step of an order, as it is shown.</summary>
internal sealed record OrderEvent(string Order, OrderStatus Status, string Text, DateTimeOffset At)
{
    [JsonIgnore]
    public bool IsLast => Status is OrderStatus.Shipped or OrderStatus.OutOfStock or OrderStatus.Declined or OrderStatus.Failed;
}
