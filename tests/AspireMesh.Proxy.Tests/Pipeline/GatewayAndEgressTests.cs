using System.Collections.Immutable;
using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

public class GatewayAndEgressTests
{
    [Fact]
    public async Task A_gateway_routes_by_host_and_path_into_the_mesh_and_says_where_the_caller_came_from()
    {
        var port = FreePort.Next();
        await using var pair = await HttpPair.StartAsync(
            c => c.Response.WriteAsync($"{c.Request.Path} {c.Request.Headers["X-Forwarded-For"]} {c.Request.Headers["X-Forwarded-Proto"]}"),
            WithGateway(port, g => g));
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        using var request = new HttpRequestMessage(HttpMethod.Get, "shop/items");
        request.Headers.Host = "shop.test";
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", "6.6.6.6");
        using var response = await client.SendAsync(request);
        Assert.Equal("/items 127.0.0.1 http", await response.Content.ReadAsStringAsync());
        using var other = await client.GetAsync("shop/items");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.StartsWith("NR;", Assert.Single(other.Headers.GetValues("x-mesh-error")));
    }

    [Fact]
    public async Task A_gateway_asks_for_a_token_and_limits_the_rate()
    {
        var port = FreePort.Next();
        await using var pair = await HttpPair.StartAsync(
            c => c.Response.WriteAsync("in"),
            WithGateway(port, g => g with { Routes = [g.Routes[0] with { Matches = [] }], RateLimits = [new RateLimitPolicy { Name = "all", PerSecond = 0.01, Burst = 1 }] }));
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        Assert.Equal("in", await client.GetStringAsync(""));
        using var second = await client.GetAsync("");
        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        await pair.Pair.ApplyCallerAsync(pair.Pair.CallerSnapshot with
        {
            Gateways = [pair.Pair.CallerSnapshot.Gateways[0] with { RateLimits = [], Jwt = new JwtPolicy { Issuer = "i", JwksUri = "http://127.0.0.1:1/" } }],
        });
        using var third = await client.GetAsync("");
        Assert.Equal(HttpStatusCode.Unauthorized, third.StatusCode);
        Assert.Equal("Bearer", third.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task An_external_service_hears_its_own_name_and_its_redirects_come_back_to_the_listener()
    {
        await using var outside = await TestApp.StartAsync(c =>
        {
            if (c.Request.Path == "/go") c.Response.Redirect($"http://{c.Request.Host}/there");
            return c.Response.WriteAsync(c.Request.Host.Value!);
        });
        var port = int.Parse(outside.Address.Split(':')[1]);
        await using var pair = await HttpPair.InFrontOfPlainAsync([outside.Address], new HttpPairOptions().WithCluster(c => c with { ServerName = "api.outside.test", AppAddresses = [$"api.outside.test:{port}"] }));
        Assert.Equal($"api.outside.test:{port}", await pair.Client.GetStringAsync(""));
        using var redirect = await pair.Client.GetAsync("go");
        Assert.Equal(new Uri(pair.Pair.OutboundUri, "there"), redirect.Headers.Location);
    }

    [Fact]
    public async Task Mirrored_requests_carry_the_body_and_never_affect_the_caller()
    {
        var copies = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var shadow = await TestApp.StartAsync(async c =>
        {
            using var reader = new StreamReader(c.Request.Body);
            copies.Enqueue($"{c.Request.Method} {c.Request.Path} {await reader.ReadToEndAsync()}");
            c.Response.StatusCode = 500;
        });
        await using var live = await TestApp.StartAsync(async c =>
        {
            await c.Request.Body.CopyToAsync(Stream.Null);
            await c.Response.WriteAsync("live");
        });
        await using var pair = await HttpPair.InFrontOfAsync([live.Address, shadow.Address], new HttpPairOptions
        {
            Caller = static s => s with { Clusters = Each(s.Clusters[0], "shadow") },
        }.WithRoute(r => r with { Mirror = new MirrorTarget("shadow", 100) }));
        using var post = await pair.Client.PostAsync("order", new StringContent("three pears"));
        Assert.Equal("live", await post.Content.ReadAsStringAsync());
        Assert.Equal("live", await pair.Client.GetStringAsync("list"));
        await Pairs.RecordedEvents.EventuallyAsync<bool>(() => copies.Count == 2 ? true : null);
        Assert.Equal(["GET /list ", "POST /order three pears"], copies.Order());
        Assert.All(pair.Pair.CallerEvents.Requests, r => Assert.Equal(200, r.Status));
    }

    [Fact]
    public async Task An_unhealthy_destination_is_left_out_until_its_probe_says_otherwise()
    {
        var well = false;
        await using var flaky = await TestApp.StartAsync(c =>
        {
            c.Response.StatusCode = c.Request.Path == "/healthz" && !well ? 500 : 200;
            return c.Response.WriteAsync("flaky");
        });
        await using var good = await TestApp.AnsweringAsync(200, "good");
        var options = new HttpPairOptions().WithCluster(c => c with
        {
            LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin },
            HealthCheck = new HealthCheckPolicy { Path = "/healthz", Interval = TimeSpan.FromMilliseconds(100), UnhealthyThreshold = 2 },
        });
        await using var pair = await HttpPair.InFrontOfAsync([flaky.Address, good.Address], options);
        await Pairs.RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Probes.Contains("d1 False") ? true : null);
        for (var i = 0; i < 6; i++) Assert.Equal("good", await pair.Client.GetStringAsync(""));
        well = true;
        await Pairs.RecordedEvents.EventuallyAsync<bool>(() => pair.Pair.CallerEvents.Probes.Contains("d1 True") ? true : null);
        Assert.Contains("flaky", new[] { await pair.Client.GetStringAsync(""), await pair.Client.GetStringAsync("") });
    }

    /// <summary>A cluster of two destinations as two clusters of one.</summary>
    private static ImmutableArray<ClusterSnapshot> Each(ClusterSnapshot both, string second) =>
        [both with { Destinations = [both.Destinations[0]] }, both with { Name = second, Destinations = [both.Destinations[1]] }];

    private static HttpPairOptions WithGateway(int port, Func<GatewayListener, GatewayListener> edit) => new()
    {
        Caller = s => s with
        {
            Gateways =
            [
                edit(new GatewayListener
                {
                    Name = "front",
                    Listen = $"127.0.0.1:{port}",
                    Routes =
                    [
                        new RouteSnapshot
                        {
                            Name = "shop",
                            Matches = [new RouteMatch { Host = new(StringMatchKind.Exact, "shop.test"), Path = new(StringMatchKind.Prefix, "/shop") }],
                            Rewrite = new RewriteAction { PrefixPath = "/" },
                            Clusters = [new ClusterWeight("api.http", 1)],
                        },
                    ],
                }),
            ],
        },
    };
}
