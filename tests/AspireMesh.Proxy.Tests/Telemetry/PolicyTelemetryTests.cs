using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Telemetry;

/// <summary>
/// Each decision of a policy, made by real sidecars, is a metric with source, destination, route and reason, an event of a span, and a flag
/// in the access log.
/// </summary>
public class PolicyTelemetryTests
{
    private static readonly RetryPolicy s_retry = new() { BackoffBase = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(2) };

    /// <summary>What happens; the metric with the attributes it must have; the span event; the flags of the last request.</summary>
    public static TheoryData<string, string, string, string?> Decisions { get; } = new()
    {
        { "a retry", "aspiremesh.retry.decisions mesh.destination.workload=api mesh.reason=503 mesh.route=default mesh.source.workload=web mesh.state=retried", "mesh.retry mesh.reason=503", "RT,URX" },
        { "a retry without budget", "aspiremesh.retry.decisions mesh.destination.workload=api mesh.reason=budget mesh.route=default mesh.source.workload=web mesh.state=refused", "mesh.retry.refused mesh.reason=budget", "RBX" },
        { "a retry of a large body", "aspiremesh.retry.decisions mesh.destination.workload=api mesh.reason=body mesh.route=default mesh.source.workload=web mesh.state=refused", "mesh.retry.refused mesh.reason=body", null },
        { "an ejection", "aspiremesh.ejections mesh.destination.instance=api mesh.destination.workload=api mesh.reason=consecutive_5xx mesh.source.workload=web", "mesh.ejection mesh.reason=api", "EJ" },
        { "a breaker that opens", "aspiremesh.breaker.changes mesh.destination.instance=api mesh.destination.workload=api mesh.source.workload=web mesh.state=Open", "mesh.breaker mesh.reason=api Open", "CB" },
        { "an open breaker", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=breakers_open mesh.route=default mesh.rule= mesh.side=outbound mesh.source.workload=web", "mesh.refusal mesh.reason=breakers_open", "UO" },
        { "no destination", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=no_destination mesh.route=default mesh.rule= mesh.side=outbound mesh.source.workload=web", "mesh.refusal mesh.reason=no_destination", "UH" },
        { "a split", "aspiremesh.split.decisions mesh.cluster=api.http mesh.destination.workload=api mesh.route=default mesh.source.workload=web", "mesh.split mesh.reason=api.http", "TS" },
        { "a hedge", "aspiremesh.hedges mesh.destination.workload=api mesh.route=default mesh.source.workload=web", "mesh.hedge mesh.reason=second", null },
        { "a full queue", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=limit mesh.route=default mesh.rule=concurrency mesh.side=outbound mesh.source.workload=web", "mesh.refusal mesh.reason=concurrency", "UO" },
        { "a loop", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=loop mesh.route= mesh.rule= mesh.side=outbound mesh.source.workload=web", "mesh.refusal mesh.reason=loop", "LD" },
        { "a mirror", "aspiremesh.mirrored mesh.destination.workload=api mesh.route=default mesh.source.workload=web mesh.state=sent", "", null },
        { "undeclared egress", "aspiremesh.refusals mesh.destination.endpoint=undeclared mesh.destination.workload=undeclared mesh.reason=egress mesh.route= mesh.rule=egress-undeclared mesh.side=egress mesh.source.workload=web", "mesh.refusal mesh.reason=UE", "UE" },
        { "callee: a refusal by rule", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=denied mesh.route= mesh.rule=none mesh.side=inbound mesh.source.workload=web", "mesh.refusal mesh.reason=UAEX", "UAEX" },
        { "callee: a token", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=token mesh.route= mesh.rule= mesh.side=inbound mesh.source.workload=web", "mesh.refusal mesh.reason=UAEX", "UAEX" },
        { "callee: a rate limit", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=limit mesh.route= mesh.rule=two mesh.side=inbound mesh.source.workload=web", "mesh.refusal mesh.reason=RL", "RL" },
        { "callee: an audit", "aspiremesh.audited mesh.destination.endpoint=http mesh.destination.workload=api mesh.rule=none mesh.source.workload=web", "mesh.audit mesh.reason=none", "AU" },
        { "callee: load shedding", "aspiremesh.refusals mesh.destination.endpoint=http mesh.destination.workload=api mesh.reason=limit mesh.route= mesh.rule=load-shedding mesh.side=inbound mesh.source.workload=web", "mesh.refusal mesh.reason=OM", "OM" },
    };

    [Theory]
    [MemberData(nameof(Decisions))]
    public async Task Every_decision_of_a_policy_is_a_metric_a_span_event_and_a_flag(string what, string metric, string spanEvent, string? flag)
    {
        using var caller = new WatchedSidecar("web");
        using var callee = new WatchedSidecar("api");
        await using var pair = await HttpPair.StartAsync(AnswerAsync, Options(what) with { CallerEvents = caller.Events, CalleeEvents = callee.Events });
        await ActAsync(what, pair);
        var seen = what.StartsWith("callee", StringComparison.Ordinal) ? callee : caller;
        await RecordedEvents.EventuallyAsync<bool>(() => seen.Measured.Contains(metric) ? true : null, () => $"{what}: no '{metric}' among\n{string.Join('\n', seen.Measured.Where(m => m.StartsWith("aspiremesh.", StringComparison.Ordinal)))}");
        if (spanEvent.Length > 0) await RecordedEvents.EventuallyAsync<bool>(() => seen.SpanEvents.Contains(spanEvent) ? true : null, () => $"{what}: no '{spanEvent}' among\n{string.Join('\n', seen.SpanEvents)}");
        if (flag is not null) await RecordedEvents.EventuallyAsync<bool>(() => seen.Lines.Any(l => l.Contains($"flags {flag}", StringComparison.Ordinal)) ? true : null, () => $"{what}: no flag {flag} in\n{string.Join('\n', seen.Lines)}");
    }

    [Fact]
    public async Task A_breaker_that_tries_again_says_so_on_the_attempt_that_it_lets_through()
    {
        var time = new FakeTimeProvider();
        using var caller = new WatchedSidecar("web");
        var options = new HttpPairOptions { Time = time, CallerEvents = caller.Events }.WithCluster(c => c with { CircuitBreaker = new() { MinimumThroughput = 2, BreakDuration = TimeSpan.FromHours(1) } });
        await using var pair = await HttpPair.StartAsync(AnswerAsync, options);
        for (var i = 0; i < 2; i++) (await pair.Client.GetAsync("bad")).Dispose();
        time.Advance(TimeSpan.FromHours(1));
        (await pair.Client.GetAsync("")).Dispose();
        string[] changes = ["mesh.breaker mesh.reason=api Open", "mesh.breaker mesh.reason=api HalfOpen", "mesh.breaker mesh.reason=api Closed"];
        await RecordedEvents.EventuallyAsync<bool>(() => changes.SequenceEqual(caller.SpanEvents) ? true : null, () => string.Join('\n', caller.SpanEvents));
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path == "/hang") await Task.Delay(TimeSpan.FromSeconds(1), context.RequestAborted);
        context.Response.StatusCode = context.Request.Path == "/bad" ? 503 : 200;
    }

    private static HttpPairOptions Options(string what)
    {
        var options = new HttpPairOptions();
        return what switch
        {
            "a retry" => options.WithRetry(s_retry with { MaxRetries = 1 }),
            "a retry without budget" => options.WithRetry(s_retry with { BudgetRatio = 0, BudgetMinPerSecond = 0 }),
            "a retry of a large body" => options.WithRetry(s_retry with { ReplayBytes = 1 }),
            "an ejection" => options.WithCluster(c => c with { OutlierDetection = new() { Consecutive5xx = 1 }, Destinations = [c.Destinations[0], c.Destinations[0] with { Name = "second", Weight = 0 }], LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } }),
            "a breaker that opens" or "an open breaker" => options.WithCluster(c => c with { CircuitBreaker = new() { MinimumThroughput = 2, BreakDuration = TimeSpan.FromHours(1) } }),
            "no destination" => options.WithCluster(c => c with { Destinations = [] }),
            "a split" => options.WithCluster(c => c).WithRoute(r => r with { Clusters = [new ClusterWeight("api.http", 1), new ClusterWeight("api.http", 1)] }),
            "a hedge" => options.WithCluster(c => c with { Destinations = [c.Destinations[0], c.Destinations[0] with { Name = "second" }], LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } }).WithRoute(r => r with { Hedging = new HedgingPolicy { Delay = TimeSpan.FromMilliseconds(1) } }),
            "a full queue" => options with { Caller = s => s with { Outbound = [s.Outbound[0] with { Limits = new ConcurrencyPolicy { MaxConcurrentRequests = 1 } }] } },
            "a mirror" => options.WithRoute(r => r with { Mirror = new MirrorTarget("api.http", 100) }),
            "undeclared egress" => options with { Caller = s => s with { Egress = new EgressListener { Listen = $"127.0.0.1:{TestKit.FreePort.Next()}", Mode = EgressMode.Refuse } } },
            "callee: a refusal by rule" => options.WithInbound(e => e with { Authorization = [] }),
            "callee: a token" => options.WithInbound(e => e with { Jwt = TestKit.FullPolicies.Jwt }),
            "callee: a rate limit" => options.WithInbound(e => e with { RateLimits = [new RateLimitPolicy { Name = "two", PerSecond = 0.001, Burst = 2 }] }),
            "callee: load shedding" => options.WithInbound(e => e with { LoadShedding = new LoadSheddingPolicy { MinConcurrency = 1, MaxConcurrency = 1 } }),
            "callee: an audit" => options.WithInbound(e => e with { Authorization = [], AuditOnly = true }),
            _ => options,
        };
    }

    private static async Task ActAsync(string what, HttpPair pair)
    {
        switch (what)
        {
            case "a retry of a large body":
                (await pair.Client.PutAsync("bad", new StringContent("large"))).Dispose();
                break;
            case "a hedge":
                for (var i = 0; i < 2; i++) (await pair.Client.GetAsync("hang")).Dispose();
                break;
            case "a full queue" or "callee: load shedding":
                var both = Enumerable.Range(0, 4).Select(_ => pair.Client.GetAsync("hang")).ToArray();
                foreach (var answer in await Task.WhenAll(both)) answer.Dispose();
                break;
            case "a loop":
                using (var request = new HttpRequestMessage(HttpMethod.Get, "") { Headers = { { "x-mesh-hops", "web=8" } } }) (await pair.Client.SendAsync(request)).Dispose();
                break;
            case "undeclared egress":
                using (var app = new HttpClient(new SocketsHttpHandler { Proxy = new System.Net.WebProxy($"http://{pair.Pair.CallerSnapshot.Egress!.Listen}") { BypassProxyOnLocal = false } })) (await app.GetAsync("http://undeclared.test/")).Dispose();
                break;
            default:
                for (var i = 0; i < 4; i++) (await pair.Client.GetAsync(what is "a split" or "a mirror" || what.StartsWith("callee", StringComparison.Ordinal) ? "" : "bad")).Dispose();
                break;
        }
    }
}
