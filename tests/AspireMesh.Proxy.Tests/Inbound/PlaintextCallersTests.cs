using System.Net;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Inbound;

/// <summary>
/// Plaintext on a permissive inbound port, over real sockets: who has no certificate passes the list of references, and no rule beyond it, whether the endpoint works on
/// requests or is joined to its app.
/// </summary>
public class PlaintextCallersTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_list_of_references_lets_plaintext_pass(bool worksOnRequests)
    {
        await using var pair = await PairAsync(worksOnRequests);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(pair));
        Assert.Equal(1, pair.Pair.CalleeEvents.Plaintext);
        Assert.Empty(pair.Pair.CalleeEvents.Refusals);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_is_denied_is_not_let_in_for_leaving_its_certificate_at_home(bool worksOnRequests)
    {
        await using var pair = await PairAsync(worksOnRequests, new AuthorizationRule { Name = "no strangers", Action = AuthorizationAction.Deny, Callers = ["spiffe://test/ns/default/sa/stranger"] });
        Assert.NotEqual(HttpStatusCode.OK, await AskAsync(pair));
        Assert.Equal("no strangers", (await pair.Pair.CalleeEvents.RefusalAsync(RefusalReason.Denied)).Rule);
        Assert.Empty(pair.App.Requests);
    }

    [Fact]
    public async Task A_rule_on_requests_denies_plaintext_too()
    {
        await using var pair = await PairAsync(true, new AuthorizationRule { Name = "no admin", Action = AuthorizationAction.Deny, Requests = [new RouteMatch { Path = new(StringMatchKind.Prefix, "/admin") }] });
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(pair, "admin"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(pair, "items"));
    }

    [Fact]
    public async Task A_rule_that_lets_someone_do_something_demands_an_identity()
    {
        await using var pair = await PairAsync(true, new AuthorizationRule { Name = "jobs read", Callers = ["spiffe://test/ns/default/sa/jobs"], Requests = [new RouteMatch { Methods = ["GET"] }] });
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(pair));
        using var withIdentity = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.OK, withIdentity.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_audit_counts_on_both_paths_what_it_lets_pass(bool worksOnRequests)
    {
        await using var pair = await HttpPair.StartAsync(c => c.Response.WriteAsync("in"), Path(worksOnRequests, e => e with { Authorization = [], AuditOnly = true }));
        Assert.Equal("in", await pair.Client.GetStringAsync(""));
        Assert.Equal(("none", pair.Pair.Certificates.IdOf("web")), (Assert.Single(pair.Pair.CalleeEvents.Audits).Rule, pair.Pair.CalleeEvents.Audits.Single().Caller));
    }

    private static Task<HttpPair> PairAsync(bool worksOnRequests, params AuthorizationRule[] rules) => HttpPair.StartAsync(
        c => c.Response.WriteAsync("in"), Path(worksOnRequests, e => e with { Authorization = [.. e.Authorization, .. rules] }));

    private static HttpPairOptions Path(bool worksOnRequests, Func<Protocol.Snapshot.InboundEndpoint, Protocol.Snapshot.InboundEndpoint> edit) => new()
    {
        Callee = s => s with { Mtls = MtlsMode.Permissive, Inbound = s.Inbound with { Endpoints = [edit(s.Inbound.Endpoints[0]) with { WorksOnRequests = worksOnRequests }] } },
    };

    private static async Task<HttpStatusCode?> AskAsync(HttpPair pair, string path = "")
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        try
        {
            using var response = await client.GetAsync($"http://{pair.Pair.Inbound}/{path}");
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
