using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;

namespace AspireMesh.Proxy.Tests.Outbound;

/// <summary>The balancers against each other on simulated time: the real cluster and its real state, only the network is a queue of events.</summary>
public class LatencySimulationTests
{
    [Fact]
    public void With_one_destination_ten_times_slower_peak_ewma_has_a_fifth_of_round_robins_p99_or_less()
    {
        var ewma = Simulate(LoadBalancingAlgorithm.PeakEwma);
        var roundRobin = Simulate(LoadBalancingAlgorithm.RoundRobin);
        Assert.True(ewma * 5 <= roundRobin, $"p99: peak EWMA {ewma} ms, round robin {roundRobin} ms");
    }

    /// <summary>The p99 of 20,000 requests at 200 per second to three destinations that take 10, 10 and 100 ms.</summary>
    private static double Simulate(LoadBalancingAlgorithm algorithm)
    {
        var clusters = new Clusters();
        var cluster = clusters.Apply(Clusters.Of("a", "b", "slow") with { LoadBalancing = new() { Algorithm = algorithm } });
        var running = new PriorityQueue<(Destination Destination, double Took), double>();
        var latencies = new List<double>();
        for (var now = 0.0; latencies.Count < 20_000; now += 5)
        {
            while (running.TryPeek(out var first, out var ends) && ends <= now)
            {
                running.Dequeue();
                cluster.Observe(first.Destination, AttemptOutcome.Answered(200), TimeSpan.FromMilliseconds(first.Took));
                first.Destination.State.End();
            }

            var chosen = cluster.Choose(null, null, out _)!;
            var took = chosen.Name == "slow" ? 100.0 : 10.0;
            running.Enqueue((chosen, took), now + took);
            latencies.Add(took);
            clusters.Time.Advance(TimeSpan.FromMilliseconds(5));
        }

        latencies.Sort();
        return latencies[(int)(latencies.Count * 0.99)];
    }
}
