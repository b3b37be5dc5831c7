using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Inbound.LoadShedding;

namespace AspireMesh.Proxy.Tests.Inbound;

public class LoadSheddingTests
{
    [Fact]
    public void The_limit_grows_while_latency_is_flat_and_shrinks_when_it_rises()
    {
        var limit = new GradientLimit(new LoadSheddingPolicy { MinConcurrency = 10, MaxConcurrency = 200 });
        Run(limit, rounds: 200, milliseconds: 10);
        var grown = limit.Limit;
        Assert.True(grown > 50, $"limit is {grown}");
        Run(limit, rounds: 30, milliseconds: 200);
        Assert.True(limit.Limit < grown / 2, $"limit went from {grown} to {limit.Limit}");
    }

    [Fact]
    public void It_stays_between_its_bounds_and_refuses_at_once_beyond_them()
    {
        var limit = new GradientLimit(new LoadSheddingPolicy { MinConcurrency = 3, MaxConcurrency = 5 });
        Run(limit, rounds: 500, milliseconds: 1);
        Assert.Equal(5, limit.Limit);
        Assert.Equal(5, Enumerable.Range(0, 100).Count(_ => limit.TryEnter()));
    }

    private static void Run(GradientLimit limit, int rounds, double milliseconds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var running = 0;
            while (limit.TryEnter()) running++;
            for (; running > 0; running--) limit.Exit(milliseconds);
        }
    }
}
