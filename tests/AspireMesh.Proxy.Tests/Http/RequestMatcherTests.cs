using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Http;

public class RequestMatcherTests
{
    [Theory]
    [InlineData(StringMatchKind.Exact, "/a", "/a", true)]
    [InlineData(StringMatchKind.Exact, "/a", "/a/", false)]
    [InlineData(StringMatchKind.Prefix, "/a", "/a", true)]
    [InlineData(StringMatchKind.Prefix, "/a", "/a/b", true)]
    [InlineData(StringMatchKind.Prefix, "/a/", "/a", true)]
    [InlineData(StringMatchKind.Prefix, "/a", "/ab", false)]
    [InlineData(StringMatchKind.Prefix, "/", "/anything", true)]
    [InlineData(StringMatchKind.Regex, "/v[0-9]+", "/v12", true)]
    [InlineData(StringMatchKind.Regex, "/v[0-9]+", "/v12/x", false)]
    [InlineData(StringMatchKind.Regex, "a|/b", "/bc", false)]
    [InlineData(StringMatchKind.Present, "", "/x", true)]
    public void Paths_match_by_kind(StringMatchKind kind, string value, string path, bool expected) =>
        Assert.Equal(expected, Matches(new RouteMatch { Path = new StringMatch(kind, value) }, r => r.Path = path));

    [Fact]
    public void Every_part_that_is_set_must_hold()
    {
        var match = new RouteMatch
        {
            Host = new(StringMatchKind.Exact, "shop.test"), Methods = ["GET"], Callers = ["web"],
            Headers = [new("x-tier", new(StringMatchKind.Exact, "gold"))], Query = [new("v", new(StringMatchKind.Prefix, "2"))],
            Baggage = [new("tenant", new(StringMatchKind.Exact, "a b"))],
        };
        void Fit(HttpRequest r)
        {
            r.Host = new HostString("SHOP.test", 8080);
            r.Method = "GET";
            r.Headers["X-Tier"] = "gold";
            r.QueryString = new QueryString("?v=2.1");
            r.Headers["baggage"] = "x=1, tenant=a%20b;p=q";
        }

        Assert.True(Matches(match, Fit));
        Assert.False(Matches(match, r => { Fit(r); r.Method = "POST"; }));
        Assert.False(Matches(match, r => { Fit(r); r.Headers["x-tier"] = "Gold"; }));
        Assert.False(Matches(match, r => { Fit(r); r.QueryString = new QueryString("?v=1"); }));
        Assert.False(Matches(match, r => { Fit(r); r.Host = new HostString("other.test"); }));
        Assert.False(Matches(match, r => { Fit(r); r.Headers["baggage"] = "tenant=b"; }));
        Assert.False(Matches(match, Fit, caller: "spiffe://t/ns/default/sa/other"));
    }

    [Fact]
    public void Grpc_services_and_methods_are_two_path_segments()
    {
        var match = new RouteMatch { GrpcService = "shop.Stock", GrpcMethod = "Take" };
        Assert.True(Matches(match, r => r.Path = "/shop.Stock/Take"));
        Assert.False(Matches(match, r => r.Path = "/shop.Stock/Put"));
        Assert.False(Matches(match, r => r.Path = "/shop.Stock/Take/x"));
        Assert.True(Matches(new RouteMatch { GrpcMethod = "Take" }, r => r.Path = "/any/Take"));
    }

    [Fact]
    public void A_header_of_several_lines_matches_by_line_and_joined()
    {
        static void Two(HttpRequest r) => r.Headers["x"] = new(["one", "two"]);
        Assert.True(Matches(new RouteMatch { Headers = [new("x", new(StringMatchKind.Exact, "two"))] }, Two));
        Assert.True(Matches(new RouteMatch { Headers = [new("x", new(StringMatchKind.Exact, "one, two"))] }, Two));
        Assert.False(Matches(new RouteMatch { Headers = [new("y", new(StringMatchKind.Present, ""))] }, Two));
    }

    [Fact]
    public void Callers_match_by_workload_or_by_whole_id()
    {
        Assert.True(Matches(new RouteMatch { Callers = ["spiffe://t/ns/default/sa/web"] }, _ => { }));
        Assert.False(Matches(new RouteMatch { Callers = ["spiffe://other/ns/default/sa/web"] }, _ => { }));
    }

    private static bool Matches(RouteMatch match, Action<HttpRequest> setup, string caller = "spiffe://t/ns/default/sa/web")
    {
        var context = new DefaultHttpContext();
        setup(context.Request);
        return new RequestMatcher(match).Matches(context.Request, CallerIdentity.FromId(caller));
    }
}
