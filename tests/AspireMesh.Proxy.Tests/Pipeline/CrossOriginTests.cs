using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Cross-origin rules over real sockets where they meet other policies (Fetch standard, "CORS protocol").</summary>
public class CrossOriginTests
{
    private static readonly CorsPolicy s_cors = new() { Origins = ["https://Page.test"], Methods = ["PUT"] };

    [Fact]
    public async Task A_preflight_is_led_by_the_method_that_it_asks_for()
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("data"), new HttpPairOptions
        {
            Caller = s => s with { Outbound = [s.Outbound[0] with { Routes = [s.Outbound[0].Routes[0] with { Name = "puts", Matches = [new RouteMatch { Methods = ["PUT"] }], Cors = s_cors }, .. s.Outbound[0].Routes] }] },
        });
        using var put = await PreflightAsync(pair, "PUT");
        Assert.Equal((HttpStatusCode.NoContent, "https://page.test"), (put.StatusCode, Assert.Single(put.Headers.GetValues("Access-Control-Allow-Origin"))));
        Assert.Empty(pair.App.Requests);
        using var delete = await PreflightAsync(pair, "DELETE");
        Assert.Equal("OPTIONS /", Assert.Single(pair.App.Requests));
    }

    [Fact]
    public async Task A_page_may_read_what_the_sidecar_answers_in_the_apps_place()
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("data"), new HttpPairOptions().WithCluster(c => c with { Destinations = [] }).WithRoute(r => r with { Cors = s_cors }));
        using var request = new HttpRequestMessage(HttpMethod.Put, "");
        request.Headers.TryAddWithoutValidation("Origin", "https://page.test");
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "https://page.test"), (response.StatusCode, Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin"))));
    }

    private static async Task<HttpResponseMessage> PreflightAsync(HttpPair pair, string method)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "");
        request.Headers.TryAddWithoutValidation("Origin", "https://page.test");
        request.Headers.TryAddWithoutValidation("Access-Control-Request-Method", method);
        return await pair.Client.SendAsync(request);
    }
}
