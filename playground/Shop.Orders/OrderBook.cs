using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Shop.Orders;

/// <summary>The orders of this process and whoever watches them. An order's past steps are replayed to a late watcher.</summary>
internal sealed class OrderBook
{
    private const int Kept = 500;
    private readonly Lock gate = new();
    private readonly Dictionary<string, List<OrderEvent>> orders = [];
    private readonly Queue<string> oldestFirst = new();
    private readonly ConcurrentDictionary<Channel<OrderEvent>, string?> watchers = [];

    public void Add(OrderEvent step)
    {
        lock (gate)
        {
            if (!orders.TryGetValue(step.Order, out var steps))
            {
                orders[step.Order] = steps = [];
                oldestFirst.Enqueue(step.Order);
                if (oldestFirst.Count > Kept) orders.Remove(oldestFirst.Dequeue());
            }

            steps.Add(step);
            foreach (var (channel, order) in watchers)
            {
                if (order is null || order == step.Order) channel.Writer.TryWrite(step);
            }
        }
    }

    public OrderEvent[]? Find(string order)
    {
        lock (gate) return orders.TryGetValue(order, out var steps) ? [.. steps] : null;
    }

    /// <summary>The steps of one order up to its last one; of all orders from now on, without end, when <paramref name="order"/> is null.</summary>
    public async IAsyncEnumerable<OrderEvent> WatchAsync(string? order, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // A watcher that does not read loses old steps rather than holding all of them.
        var channel = Channel.CreateBounded<OrderEvent>(new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (gate)
        {
            watchers[channel] = order;
            if (order is not null && orders.TryGetValue(order, out var steps))
            {
                foreach (var step in steps) channel.Writer.TryWrite(step);
            }
        }

        try
        {
            await foreach (var step in channel.Reader.ReadAllAsync(cancellation))
            {
                yield return step;
                if (order is not null && step.IsLast) yield break;
            }
        }
        finally
        {
            watchers.TryRemove(channel, out _);
        }
    }
}
