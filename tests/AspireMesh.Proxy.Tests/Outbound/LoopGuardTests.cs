using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Routing;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pipeline;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Outbound;

public class LoopGuardTests
{
    [Fact]
    public void A_request_may_pass_eight_times_and_not_a_ninth()
    {
        var web = new LoopGuard("web");
        var api = new LoopGuard("api");
        var headers = new HeaderDictionary();
        for (var i = 0; i < LoopGuard.MaxPasses; i++)
        {
            Assert.Null(web.Enter(headers));
            Assert.Null(api.Enter(headers));
        }
        Assert.Equal("web=8, api=8", headers[LoopGuard.Header].ToString());
        var refusal = web.Enter(headers);
        Assert.Equal((508, ResponseFlags.Loop), (refusal!.Status, refusal.Flag));
    }

    [Theory]
    [InlineData("rubbish")]
    [InlineData("web=, =3, web=-1, web=99999999999, ,")]
    [InlineData("web=9")]
    public void What_nobody_of_us_wrote_counts_for_nothing(string text)
    {
        var headers = new HeaderDictionary { [LoopGuard.Header] = text };
        Assert.Null(new LoopGuard("web").Enter(headers));
        Assert.Equal("web=1", headers[LoopGuard.Header].ToString());
    }

    [Fact]
    public void A_list_longer_than_any_chain_is_refused() =>
        Assert.Equal(508, new LoopGuard("web").Enter(new HeaderDictionary { [LoopGuard.Header] = new string('a', 9000) })!.Status);

    [Fact]
    public async Task An_app_that_sends_back_what_it_gets_is_stopped_and_the_circle_is_counted()
    {
        HttpPair? pair = null;
        await using var circle = await HttpPair.StartAsync(async c =>
        {
            using var again = new HttpRequestMessage(HttpMethod.Get, "");
            again.Headers.TryAddWithoutValidation(LoopGuard.Header, c.Request.Headers[LoopGuard.Header].ToString());
            using var answer = await pair!.Client.SendAsync(again);
            c.Response.StatusCode = (int)answer.StatusCode;
        });
        pair = circle;
        using var response = await circle.Client.GetAsync("");
        Assert.Equal(508, (int)response.StatusCode);
        Assert.Equal(LoopGuard.MaxPasses, circle.App.Requests.Count);
        Assert.Equal(RefusalReason.Loop, Assert.Single(circle.Pair.CallerEvents.Refusals).Reason);
    }

    [Fact]
    public async Task A_listener_that_leads_to_itself_is_no_endless_circle()
    {
        var port = FreePort.Next();
        await using var pair = await HttpPair.InFrontOfPlainAsync([$"127.0.0.1:{port}"], new HttpPairOptions
        {
            Caller = s => s with { Outbound = [s.Outbound[0] with { Listen = $"127.0.0.1:{port}" }], Clusters = [s.Clusters[0] with { ServerName = "localhost" }] },
        }.WithRoute(r => r with { Retry = null }));
        using var client = new HttpClient();
        using var response = await client.GetAsync($"http://127.0.0.1:{port}/");
        Assert.Equal(508, (int)response.StatusCode);
    }

    [Fact]
    public async Task Nobody_outside_the_mesh_sees_or_sets_the_count()
    {
        await using var outside = await TestApp.StartAsync(c => c.Response.WriteAsync($"[{c.Request.Headers[LoopGuard.Header]}]"));
        await using var pair = await HttpPair.InFrontOfPlainAsync([outside.Address], new HttpPairOptions().WithCluster(c => c with { ServerName = "outside.test" }));
        Assert.Equal("[]", await pair.Client.GetStringAsync(""));
    }
}
