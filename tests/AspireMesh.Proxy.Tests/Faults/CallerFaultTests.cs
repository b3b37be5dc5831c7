using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>Faults of the callee's side are put together when a caller is first seen, and its first requests come at once.</summary>
public class CallerFaultTests
{
    [Fact]
    public async Task Of_requests_that_come_at_once_the_counts_that_are_told_are_those_that_count()
    {
        const int Callers = 8;
        for (var round = 0; round < 300; round++)
        {
            var ledger = new FaultLedger();
            var endpoint = new InboundEndpoint { Name = "http", App = "127.0.0.1:1" };
            var snapshot = new MeshSnapshot
            {
                Version = 1, Workload = "api", Instance = "api", Identity = "spiffe://t/ns/default/sa/api",
                Inbound = new InboundSnapshot { Listen = "127.0.0.1:0", Endpoints = [endpoint] },
                Faults = [new FaultRule { Id = "f", To = "api", Side = FaultSide.Inbound, Fault = new Fault { Kind = FaultKinds.Header, Name = "x-a", Value = "b" } }],
            };
            using var http = new HttpMessageInvoker(new HttpClientHandler());
            var rules = InboundRules.Compile(endpoint, snapshot, null, new FaultServices(new FakeTimeProvider(), (_, _) => { }, ledger.Add), http);
            using var start = new Barrier(Callers);
            var caller = new CallerIdentity("spiffe://t/ns/default/sa/web", "web");
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    rules.FaultsFrom(caller)!.Decide(FaultStage.Request, new DefaultHttpContext().Request, caller);
                },
                TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            Assert.Equal(Callers, Assert.Single(ledger.Read()).Requests);
        }
    }
}
