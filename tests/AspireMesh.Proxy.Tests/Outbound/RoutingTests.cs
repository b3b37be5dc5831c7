using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.Routing;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Outbound;

public class RoutingTests
{
    [Theory]
    [InlineData("/foo/bar", "/foo", "/xyz", "/xyz/bar")]
    [InlineData("/foo/bar", "/foo", "/xyz/", "/xyz/bar")]
    [InlineData("/foo", "/foo", "/xyz", "/xyz")]
    [InlineData("/foo/", "/foo", "/xyz", "/xyz/")]
    [InlineData("/foo/bar", "/foo", "/", "/bar")]
    [InlineData("/foo", "/foo", "/", "/")]
    [InlineData("/foo/bar", "", "/xyz", "/xyz/foo/bar")]
    public void A_matched_prefix_is_replaced_as_the_gateway_api_lists_it(string path, string matched, string prefix, string expected) =>
        Assert.Equal(expected, PathEdits.Apply(path, null, prefix, matched));

    [Fact]
    public void A_redirect_keeps_what_it_does_not_name()
    {
        Assert.Equal("http://other.test:5000/a?b=1", Redirect.Location(new RedirectAction { Host = "other.test" }, Request(), null));
        Assert.Equal("https://localhost/a?b=1", Redirect.Location(new RedirectAction { Scheme = "https" }, Request(), null));
        Assert.Equal("https://localhost:8443/a?b=1", Redirect.Location(new RedirectAction { Scheme = "https", Port = 8443 }, Request(), null));
        Assert.Equal("http://localhost/new?b=1", Redirect.Location(new RedirectAction { Port = 80, Path = "/new" }, Request(), null));
    }

    [Theory]
    [InlineData("https://localhost:5000/a?x=1#f", "http://localhost:5000/a?x=1#f")]
    [InlineData("https://127.0.0.1:7001/a", "http://localhost:5000/a")]
    [InlineData("http://localhost:7001/a", "http://localhost:5000/a")]
    [InlineData("http://localhost:5000/a", null)]
    [InlineData("https://login.example/a", null)]
    [InlineData("https://localhost:9999/a", null)]
    [InlineData("/relative", null)]
    [InlineData("mailto:a@b", null)]
    [InlineData(null, null)]
    public void A_redirect_to_the_apps_own_address_stays_in_the_mesh_and_every_other_is_left_alone(string? location, string? expected) =>
        Assert.Equal(expected, LocationRewriter.Rewrite(location, Request(), ["localhost:7001"]));

    [Fact]
    public void A_preflight_of_an_allowed_origin_is_answered_whole()
    {
        var context = new DefaultHttpContext();
        context.Request.Method = "OPTIONS";
        context.Request.Headers.Origin = "https://page.test";
        context.Request.Headers.AccessControlRequestMethod = "PUT";
        Assert.True(Cors.IsPreflight(context.Request));
        Cors.AnswerPreflight(new CorsPolicy { Origins = ["https://page.test"], Methods = ["PUT", "GET"], Headers = ["x-a"], Credentials = true, MaxAge = TimeSpan.FromMinutes(1) }, context);
        Assert.Equal(
            [
                "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Headers: x-a", "Access-Control-Allow-Methods: PUT, GET",
                "Access-Control-Allow-Origin: https://page.test", "Access-Control-Max-Age: 60", "Vary: Origin",
            ],
            context.Response.Headers.Select(h => $"{h.Key}: {h.Value}").Order());
    }

    [Fact]
    public void Another_origin_gets_no_permission()
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Origin = "https://evil.test";
        Assert.False(Cors.Decorate(new CorsPolicy { Origins = ["https://page.test"] }, context));
        Assert.Equal(["Vary"], context.Response.Headers.Keys);
    }

    [Fact]
    public void Header_edits_remove_then_set_then_add()
    {
        var headers = new HeaderDictionary { ["a"] = "1", ["b"] = "2", ["c"] = "3" };
        HeaderEditor.Apply(
            new HeaderEdits { Remove = ["a"], Set = new Dictionary<string, string> { ["b"] = "20" }.ToImmutable(), Add = new Dictionary<string, string> { ["c"] = "30", ["d"] = "4" }.ToImmutable() },
            headers);
        Assert.Equal(["b=20", "c=3,30", "d=4"], headers.Select(h => $"{h.Key}={h.Value}").Order());
    }

    private static HttpRequest Request()
    {
        var context = new DefaultHttpContext();
        context.Request.Scheme = "http";
        context.Request.Host = new HostString("localhost", 5000);
        context.Request.Path = "/a";
        context.Request.QueryString = new QueryString("?b=1");
        return context.Request;
    }
}

internal static class DictionaryToImmutable
{
    public static System.Collections.Immutable.ImmutableDictionary<string, string> ToImmutable(this Dictionary<string, string> source) =>
        System.Collections.Immutable.ImmutableDictionary.CreateRange(source);
}
