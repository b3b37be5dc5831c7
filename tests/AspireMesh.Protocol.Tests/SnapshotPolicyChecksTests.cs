using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Protocol.Tests;

public class SnapshotPolicyChecksTests
{
    [Fact]
    public void Every_value_outside_its_range_is_named()
    {
        var snapshot = new MeshSnapshot
        {
            Version = 1,
            Workload = "web",
            Instance = "web",
            Identity = "spiffe://test.mesh/ns/default/sa/web",
            DrainTime = TimeSpan.FromHours(2),
            Inbound = new InboundSnapshot
            {
                Listen = "127.0.0.1:1",
                Endpoints = [new InboundEndpoint { Name = "http", RateLimits = [new RateLimitPolicy { Name = "l", PerSecond = 0 }], LoadShedding = new LoadSheddingPolicy { Tolerance = 0.5 } }],
            },
            Outbound =
            [
                new OutboundListener
                {
                    Name = "api.http", Listen = "127.0.0.1:2", Destination = "api", Endpoint = "http",
                    Routes = [new RouteSnapshot { Name = "default", Retry = new RetryPolicy { MaxRetries = -1 }, Clusters = [new ClusterWeight("api.http", 0)] }],
                },
            ],
            Clusters = [new ClusterSnapshot { Name = "api.http", Workload = "api", Endpoint = "http", CircuitBreaker = new CircuitBreakerPolicy { FailureRatio = 2 } }],
            Faults = [new FaultRule { Id = "f", Fault = new Fault { Kind = "sabotage" } }],
        };

        Assert.Equal(
            [
                "Snapshot: DrainTime is 7200 s. Set it to a time from 0 ms to 3600 s. [MESH0009]",
                "Inbound endpoint 'http', rate limit 'l': PerSecond is 0. Set it to a value from 0.001 to 10000000. [MESH0009]",
                "Inbound endpoint 'http': LoadShedding.Tolerance is 0.5. Set it to a value from 1 to 100. [MESH0009]",
                "Outbound listener 'api.http', route 'default': Retry.MaxRetries is -1. Set it to a value from 0 to 10. [MESH0009]",
                "Outbound listener 'api.http', route 'default': all weights of the traffic split are 0. Give at least one leg a weight above 0. [MESH0011]",
                "Cluster 'api.http': CircuitBreaker.FailureRatio is 2. Set it to a value from 0.001 to 1. [MESH0009]",
            ],
            SnapshotPolicyChecks.Run(snapshot).Select(p => p.ToString()).Where(p => !p.StartsWith("Fault", StringComparison.Ordinal)));
        Assert.Contains(SnapshotPolicyChecks.Run(snapshot), p => p.Message.StartsWith("Fault 'f': the kind 'sabotage' is not known", StringComparison.Ordinal));
    }
}
