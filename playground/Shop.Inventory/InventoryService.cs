using Grpc.Core;
using Shop.Inventory.V1;

namespace Shop.Inventory;

internal sealed class InventoryService(StockStore store) : V1.Inventory.InventoryBase
{
    public override async Task<ListReply> List(ListRequest request, ServerCallContext context)
    {
        var reply = new ListReply { Store = store.Name };
        foreach (var (sku, pieces) in await store.ListAsync(context.CancellationToken)) reply.Levels.Add(new StockLevel { Sku = sku, Pieces = pieces });
        return reply;
    }

    public override Task<ReserveReply> Reserve(ReserveRequest request, ServerCallContext context) => TakeAsync(request, 1, context);

    public override Task<ReserveReply> Release(ReserveRequest request, ServerCallContext context) => TakeAsync(request, -1, context);

    private async Task<ReserveReply> TakeAsync(ReserveRequest request, int direction, ServerCallContext context)
    {
        if (request.Pieces is < 1 or > 1000) throw new RpcException(new Status(StatusCode.InvalidArgument, $"pieces must be 1 to 1000, not {request.Pieces}"));
        var (accepted, left) = await store.TakeAsync(request.Sku, direction * request.Pieces, context.CancellationToken);
        return new ReserveReply { Accepted = accepted, Left = left };
    }
}
