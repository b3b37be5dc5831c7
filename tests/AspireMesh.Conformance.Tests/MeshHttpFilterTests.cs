using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Conformance.Tests.EchoMesh;

namespace AspireMesh.Conformance.Tests;

/// <summary>Gateway API conformance, profile MESH-HTTP: redirects, rewrites, header modification, mirror, timeout. Test names are the suite's short names.</summary>
public class MeshHttpFilterTests
{
    [Fact]
    public async Task MeshHTTPRouteRedirectHostAndStatus()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "host", Matches = [Path("/hostname-redirect")], Redirect = new RedirectAction { Host = "example.org" } },
            new RoutePolicy { Name = "both", Matches = [Path("/host-and-status")], Redirect = new RedirectAction { Host = "example.org", Status = 301 } });
        var host = await mesh.GetAsync("hostname-redirect");
        Assert.Equal((302, $"http://example.org:{mesh.Http.BaseAddress!.Port}/hostname-redirect"), (host.Status, host.Location!.ToString()));
        Assert.Equal(301, (await mesh.GetAsync("host-and-status")).Status);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task MeshHTTPRouteRedirectStatus(int status)
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "r", Matches = [Path("/go")], Redirect = new RedirectAction { Path = "/there", Status = status } });
        var answer = await SendAsync(mesh.Http, HttpMethod.Post, "go?x=1");
        Assert.Equal((status, "/there?x=1"), (answer.Status, answer.Location!.PathAndQuery));
    }

    [Fact]
    public Task MeshHTTPRoute303Redirect() => RedirectsAsync(303, "/see-other");

    [Fact]
    public Task MeshHTTPRoute307Redirect() => RedirectsAsync(307, "/temporary");

    [Fact]
    public Task MeshHTTPRoute308Redirect() => RedirectsAsync(308, "/permanent");

    [Fact]
    public async Task MeshHTTPRouteRedirectPath()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "prefix", Matches = [Path("/original-prefix")], Redirect = new RedirectAction { PrefixPath = "/replacement-prefix" } },
            new RoutePolicy { Name = "full", Matches = [Path("/full")], Redirect = new RedirectAction { Path = "/full-path-replacement" } });
        Assert.Equal("/replacement-prefix/lemon", (await mesh.GetAsync("original-prefix/lemon")).Location!.PathAndQuery);
        Assert.Equal("/full-path-replacement", (await mesh.GetAsync("full/path/original")).Location!.PathAndQuery);
    }

    [Fact]
    public async Task MeshHTTPRouteRedirectPort()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "port", Redirect = new RedirectAction { Host = "example.org", Port = 8083 } });
        Assert.Equal("http://example.org:8083/port", (await mesh.GetAsync("port")).Location!.ToString());
    }

    [Fact]
    public async Task MeshHTTPRouteSchemeRedirect()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "scheme", Redirect = new RedirectAction { Scheme = "https", Host = "example.org" } });
        Assert.Equal("https://example.org/scheme", (await mesh.GetAsync("scheme")).Location!.OriginalString);
    }

    [Fact]
    public async Task MeshHTTPRouteRewritePath()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "prefix", Matches = [Path("/prefix/one")], Rewrite = new RewriteAction { PrefixPath = "/one" } },
            new RoutePolicy { Name = "strip", Matches = [Path("/strip-prefix")], Rewrite = new RewriteAction { PrefixPath = "/" } },
            new RoutePolicy { Name = "full", Matches = [Path("/full/one")], Rewrite = new RewriteAction { Path = "/one" } });
        Assert.Equal("/one/two?q=1", (await mesh.GetAsync("prefix/one/two?q=1")).Seen["path"]);
        Assert.Equal("/three", (await mesh.GetAsync("strip-prefix/three")).Seen["path"]);
        Assert.Equal("/", (await mesh.GetAsync("strip-prefix")).Seen["path"]);
        Assert.Equal("/one", (await mesh.GetAsync("full/one/two")).Seen["path"]);
        Assert.Equal("/plain", (await mesh.GetAsync("plain")).Seen["path"]);
    }

    [Fact]
    public async Task MeshHTTPRouteRewriteHost()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "one", Matches = [Path("/one")], Rewrite = new RewriteAction { Host = "one.example.org" } });
        Assert.Equal("one.example.org", (await mesh.GetAsync("one", ("Host", "rewrite.example"))).Seen["host"]);
        Assert.Equal("rewrite.example", (await mesh.GetAsync("two", ("Host", "rewrite.example"))).Seen["host"]);
    }

    [Fact]
    public async Task MeshHTTPRouteRequestHeaderModifier()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "set", Matches = [Path("/set")], RequestHeaders = new HeaderEdits { Set = Of(("X-Header-Set", "set-overwrites-values")) } },
            new RoutePolicy { Name = "add", Matches = [Path("/add")], RequestHeaders = new HeaderEdits { Add = Of(("X-Header-Add", "add-appends-values")) } },
            new RoutePolicy { Name = "remove", Matches = [Path("/remove")], RequestHeaders = new HeaderEdits { Remove = ["X-Header-Remove"] } });
        Assert.Equal("set-overwrites-values", (await mesh.GetAsync("set", ("Some", "x"))).Seen["X-Header-Set"]);
        Assert.Equal("set-overwrites-values", (await mesh.GetAsync("set", ("X-Header-Set", "some-other-value"))).Seen["X-Header-Set"]);
        Assert.Equal("add-appends-values", (await mesh.GetAsync("add")).Seen["X-Header-Add"]);
        Assert.Equal("some-other-value,add-appends-values", (await mesh.GetAsync("add", ("X-Header-Add", "some-other-value"))).Seen["X-Header-Add"].Replace(", ", ","));
        Assert.False((await mesh.GetAsync("remove", ("x-header-remove", "val"))).Seen.ContainsKey("X-Header-Remove"));
        Assert.Equal("val", (await mesh.GetAsync("other", ("X-Header-Remove", "val"))).Seen["X-Header-Remove"]);
    }

    [Fact]
    public async Task MeshHTTPRouteBackendRequestHeaderModifier()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "set", Matches = [Path("/set")], Split = [To("v1") with { RequestHeaders = new HeaderEdits { Set = Of(("X-Header-Set", "set-overwrites-values")) } }] },
            new RoutePolicy { Name = "add", Matches = [Path("/add")], Split = [To("v1") with { RequestHeaders = new HeaderEdits { Add = Of(("X-Header-Add", "add-appends-values")) } }] },
            new RoutePolicy { Name = "remove", Matches = [Path("/remove")], Split = [To("v1") with { RequestHeaders = new HeaderEdits { Remove = ["X-Header-Remove"] } }] },
            new RoutePolicy
            {
                Name = "legs", Matches = [Path("/legs")], RequestHeaders = new HeaderEdits { Set = Of(("X-Header-Set", "route")) },
                Split = [To("v1") with { RequestHeaders = new HeaderEdits { Set = Of(("X-Header-Set", "leg")) } }, To("v2")],
            });
        Assert.Equal("set-overwrites-values", (await mesh.GetAsync("set", ("X-Header-Set", "some-other-value"))).Seen["X-Header-Set"]);
        Assert.Equal("some-other-value,add-appends-values", (await mesh.GetAsync("add", ("X-Header-Add", "some-other-value"))).Seen["X-Header-Add"].Replace(", ", ","));
        Assert.False((await mesh.GetAsync("remove", ("x-header-remove", "val"))).Seen.ContainsKey("X-Header-Remove"));
        // One leg's edits never reach the other's requests.
        for (var i = 0; i < 20; i++)
        {
            var seen = await mesh.GetAsync("legs");
            Assert.Equal(seen.Pod == "echo-v1" ? "leg" : "route", seen.Seen["X-Header-Set"]);
        }
    }

    [Fact]
    public async Task MeshHTTPRouteResponseHeaderModifier()
    {
        await using var mesh = await StartAsync(new RoutePolicy
        {
            Name = "all",
            ResponseHeaders = new HeaderEdits { Set = Of(("X-Header-Set", "set")), Add = Of(("X-Header-Add", "added"), ("X-New", "new")), Remove = ["X-Header-Remove"] },
        });
        var answer = await mesh.GetAsync("");
        Assert.Equal(("set", "from-app,added", "new", false), (answer.Headers["X-Header-Set"], answer.Headers["X-Header-Add"], answer.Headers["X-New"], answer.Headers.ContainsKey("X-Header-Remove")));
    }

    [Fact]
    public async Task MeshHTTPRouteRequestMirror()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "mirror", Matches = [Path("/mirror")], Split = [To("v1")], Mirror = new MirrorPolicy { Workload = "echo", Endpoint = "admin" } });
        for (var i = 0; i < 3; i++) Assert.Equal(("echo-v1", "http"), (await mesh.GetAsync("mirror")) is var e ? (e.Pod, e.Seen["port"]) : default);
    }

    private static async Task RedirectsAsync(int status, string path)
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "r", Matches = [Path(path)], Redirect = new RedirectAction { Status = status } });
        var answer = await mesh.GetAsync(path.TrimStart('/'));
        Assert.Equal((status, path), (answer.Status, answer.Location!.PathAndQuery));
    }

    private static ImmutableDictionary<string, string> Of(params (string Name, string Value)[] headers) => headers.ToImmutableDictionary(h => h.Name, h => h.Value);
}
