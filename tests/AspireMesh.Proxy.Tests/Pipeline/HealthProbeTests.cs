using System.Collections.Concurrent;
using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Active probes, over sockets and mTLS as requests go; the time between them is the policies' clock.</summary>
public class HealthProbeTests
{
    private static readonly OutlierDetectionPolicy s_noPanic = new() { PanicThresholdPercent = 0 };

    [Fact]
    public async Task So_many_failures_in_a_row_take_a_destination_out_and_so_many_successes_bring_it_back()
    {
        var time = new FakeTimeProvider();
        ConcurrentQueue<int> seen = [];
        RecordedEvents? events = null;
        bool[] answers = [true, false, false, true, false, false, false, true, false, true, true];
        await using var app = await TestApp.StartAsync(c =>
        {
            // What had been decided when this probe came: each is judged before the next is sent.
            seen.Enqueue(events?.Probes.Count ?? 0);
            c.Response.StatusCode = seen.Count > answers.Length || answers[seen.Count - 1] ? 200 : 503;
            return Task.CompletedTask;
        });
        var check = new HealthCheckPolicy { Path = "/ready", Interval = TimeSpan.FromMilliseconds(100), Timeout = TimeSpan.FromMinutes(5), UnhealthyThreshold = 3, HealthyThreshold = 2 };
        await using var pair = await HttpPair.StartAsync(app, new HttpPairOptions { Time = time }.WithCluster(c => c with { HealthCheck = check }));
        events = pair.Pair.CallerEvents;

        await RecordedEvents.EventuallyAsync<bool>(() =>
        {
            time.Advance(check.Interval);
            return seen.Count > answers.Length ? true : null;
        });

        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2], seen.Take(answers.Length + 1));
        Assert.Equal(["api False", "api True"], events.Probes);
        Assert.All(app.Requests, r => Assert.Equal("GET /ready", r));
    }

    [Fact]
    public async Task A_grpc_probe_asks_for_its_service_and_takes_serving_alone_for_well()
    {
        var time = new FakeTimeProvider();
        var status = (byte)2;
        byte[] asked = [];
        await using var app = await TestApp.StartAsync(async c =>
        {
            if (c.Request.Path != "/grpc.health.v1.Health/Check")
            {
                await c.Response.WriteAsync("served");
                return;
            }
            var body = new MemoryStream();
            await c.Request.Body.CopyToAsync(body);
            asked = body.ToArray();
            c.Response.ContentType = "application/grpc";
            await c.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 0x08, status });
            c.Response.AppendTrailer("grpc-status", "0");
        }, HttpProtocols.Http2);
        var check = new HealthCheckPolicy { Kind = HealthCheckKind.Grpc, GrpcService = "shop", Interval = TimeSpan.FromMilliseconds(100), Timeout = TimeSpan.FromMinutes(5), UnhealthyThreshold = 1 };
        await using var pair = await HttpPair.StartAsync(app, new HttpPairOptions { Http2 = true, Time = time }.WithCluster(c => c with { HealthCheck = check, OutlierDetection = s_noPanic }));

        await ProbedAsync(pair, time, "api False");
        Assert.Equal([0, 0, 0, 0, 6, 0x0A, 4, .. "shop"u8], asked);
        using var refused = await pair.Client.GetAsync("");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "UH"), (refused.StatusCode, pair.LastRequest.Flags));
        status = 1;
        await ProbedAsync(pair, time, "api True");
        Assert.Equal("served", await pair.Client.GetStringAsync(""));
    }

    [Fact]
    public async Task A_tcp_probe_asks_whether_the_app_takes_connections()
    {
        var time = new FakeTimeProvider();
        await using var app = await TestApp.AnsweringAsync(500);
        var check = new HealthCheckPolicy { Kind = HealthCheckKind.Tcp, Interval = TimeSpan.FromMilliseconds(100), Timeout = TimeSpan.FromMinutes(5), UnhealthyThreshold = 1 };
        await using var pair = await HttpPair.StartAsync(app, new HttpPairOptions { Time = time }.WithCluster(c => c with { HealthCheck = check, OutlierDetection = s_noPanic }));

        var endpoint = pair.Pair.CalleeSnapshot.Inbound.Endpoints[0];
        await pair.Pair.ApplyCalleeAsync(pair.Pair.CalleeSnapshot with { Inbound = pair.Pair.CalleeSnapshot.Inbound with { Endpoints = [endpoint with { App = "127.0.0.1:1" }] } });
        await ProbedAsync(pair, time, "api False");
        using var refused = await pair.Client.GetAsync("");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "UH"), (refused.StatusCode, pair.LastRequest.Flags));

        await pair.Pair.ApplyCalleeAsync(pair.Pair.CalleeSnapshot with { Inbound = pair.Pair.CalleeSnapshot.Inbound with { Endpoints = [endpoint] } });
        await ProbedAsync(pair, time, "api True");
        // What it answers is not the probe's business.
        using var answer = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
    }

    [Fact]
    public async Task A_probe_without_an_answer_fails_when_its_time_is_over()
    {
        var time = new FakeTimeProvider();
        await using var app = await TestApp.StartAsync(c => Task.Delay(Timeout.Infinite, c.RequestAborted));
        var check = new HealthCheckPolicy { Timeout = TimeSpan.FromMinutes(5), UnhealthyThreshold = 1 };
        await using var pair = await HttpPair.StartAsync(app, new HttpPairOptions { Time = time }.WithCluster(c => c with { HealthCheck = check }));

        await RecordedEvents.EventuallyAsync<bool>(() => app.Requests.IsEmpty ? null : true);
        time.Advance(check.Timeout - TimeSpan.FromTicks(1));
        Assert.Empty(pair.Pair.CallerEvents.Probes);
        time.Advance(TimeSpan.FromTicks(1));
        await RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Probes.Contains("api False") ? true : null);
    }

    private static Task<bool> ProbedAsync(HttpPair pair, FakeTimeProvider time, string what) => RecordedEvents.EventuallyAsync<bool>(() =>
    {
        time.Advance(TimeSpan.FromMilliseconds(100));
        return pair.Pair.CallerEvents.Probes.Contains(what) ? true : null;
    });
}
