using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using static AspireMesh.Conformance.Tests.EchoMesh;

namespace AspireMesh.Conformance.Tests;

/// <summary>Gateway API conformance, profile MESH-HTTP. Test names are the suite's short names.</summary>
public class MeshHttpRouteTests
{
    [Fact]
    public async Task MeshBasic()
    {
        await using var mesh = await StartAsync();
        Assert.Equal((200, "GET", "/"), (await mesh.GetAsync("")) is var e ? (e.Status, e.Seen["method"], e.Seen["path"]) : default);
    }

    [Fact]
    public async Task MeshPorts()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "http-only", Matches = [Path("/")], ResponseHeaders = new HeaderEdits { Set = One("X-Port", "http") } });
        var http = await mesh.GetAsync("");
        Assert.Equal(("http", "http"), (http.Seen["port"], http.Headers["X-Port"]));
        var admin = await SendAsync(mesh.Admin, HttpMethod.Get, "");
        Assert.Equal("admin", admin.Seen["port"]);
        Assert.False(admin.Headers.ContainsKey("X-Port"));
    }

    [Fact]
    public async Task MeshFrontend()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "set", Split = [To("v2")], ResponseHeaders = new HeaderEdits { Set = One("X-Header-Set", "set") } });
        var frontend = await mesh.GetAsync("", ("Host", "echo"));
        Assert.Equal(("echo-v2", "set"), (frontend.Pod, frontend.Headers["X-Header-Set"]));
        // The other port is a frontend of its own, and the app's own address (the suite's pod IP) is none: rules hold for the listener that has them.
        Assert.Equal("from-app", (await SendAsync(mesh.Admin, HttpMethod.Get, "")).Headers["X-Header-Set"]);
        using var pod = new HttpClient { BaseAddress = new Uri($"http://{mesh.AppAddress("echo-v2", "http")}/") };
        var direct = await SendAsync(pod, HttpMethod.Get, "");
        Assert.Equal(("echo-v2", "from-app"), (direct.Pod, direct.Headers["X-Header-Set"]));
    }

    [Fact]
    public async Task MeshFrontendHostname()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "set", ResponseHeaders = new HeaderEdits { Set = One("X-Port-Set", "http") } });
        // The listener decides, whatever the Host header says.
        Assert.Equal("http", (await mesh.GetAsync("", ("Host", "echo-admin"))).Headers["X-Port-Set"]);
        Assert.False((await SendAsync(mesh.Admin, HttpMethod.Get, "", ("Host", "echo"))).Headers.ContainsKey("X-Port-Set"));
    }

    [Fact]
    public async Task MeshConsumerRoute()
    {
        // One set of routes for all callers, of which one names this client and one another: each caller's sidecar has its own.
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "other", Matches = [Path("/other") with { Callers = ["echo"] }], ResponseHeaders = new HeaderEdits { Set = One("X-Consumer", "echo") } },
            new RoutePolicy { Name = "mine", Matches = [Path("/") with { Callers = ["client"] }], ResponseHeaders = new HeaderEdits { Set = One("X-Consumer", "client") } });
        Assert.Equal("client", (await mesh.GetAsync("other")).Headers["X-Consumer"]);
        Assert.DoesNotContain(mesh.Control.GetRoutes(), r => r.From == "client" && r.Route == "other");
    }

    [Fact]
    public async Task MeshTrafficSplit()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "v1", Matches = [Path("/v1")], Split = [To("v1")] },
            new RoutePolicy { Name = "v2", Matches = [Path("/v2")], Split = [To("v2")] });
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("echo-v1", (await mesh.GetAsync("v1/x")).Pod);
            Assert.Equal("echo-v2", (await mesh.GetAsync("v2")).Pod);
        }
    }

    [Fact]
    public async Task MeshHTTPRouteSimpleSameNamespace()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "all", Split = [To("v1")] });
        Assert.Equal("echo-v1", (await mesh.GetAsync("")).Pod);
    }

    [Fact]
    public async Task MeshHTTPRouteMatching()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "v2", Matches = [Path("/v2"), new RouteMatch { Headers = [Is("version", "two")] }], Split = [To("v2")] },
            new RoutePolicy { Name = "v1", Matches = [Path("/"), new RouteMatch { Headers = [Is("version", "one")] }], Split = [To("v1")] });
        Assert.Equal("echo-v1", (await mesh.GetAsync("")).Pod);
        Assert.Equal("echo-v1", (await mesh.GetAsync("example")).Pod);
        Assert.Equal("echo-v1", (await mesh.GetAsync("", ("Version", "one"))).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("v2")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("v2/")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("v2/example")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("", ("Version", "two"))).Pod);
        // A prefix matches whole segments.
        Assert.Equal("echo-v1", (await mesh.GetAsync("v2example")).Pod);
        Assert.Equal("echo-v1", (await mesh.GetAsync("foo/v2/example")).Pod);
    }

    [Fact]
    public async Task MeshHTTPRouteMethodMatching()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "post", Matches = [new RouteMatch { Methods = ["POST"] }], Split = [To("v1")] },
            new RoutePolicy { Name = "get", Matches = [new RouteMatch { Methods = ["GET"] }], Split = [To("v2")] });
        Assert.Equal("echo-v1", (await SendAsync(mesh.Http, HttpMethod.Post, "")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("")).Pod);
    }

    [Fact]
    public async Task MeshHTTPRouteQueryParamMatching()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "both", Matches = [new RouteMatch { Query = [Is("animal", "dolphin"), Is("color", "blue")] }], Split = [To("v2")] },
            new RoutePolicy { Name = "whale", Matches = [new RouteMatch { Query = [Is("animal", "whale")] }], Split = [To("v1")] },
            new RoutePolicy { Name = "path", Matches = [Path("/path") with { Query = [Is("animal", "cat")] }], Split = [To("v2")] },
            new RoutePolicy { Name = "none", Redirect = new RedirectAction { Path = "/none" } });
        Assert.Equal("echo-v1", (await mesh.GetAsync("?animal=whale")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("?animal=dolphin&color=blue")).Pod);
        Assert.Equal("echo-v1", (await mesh.GetAsync("?animal=whale&other=1")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("path?animal=cat")).Pod);
        Assert.Equal(302, (await mesh.GetAsync("?animal=dolphin")).Status);
        Assert.Equal(302, (await mesh.GetAsync("?Animal=whale")).Status);
    }

    [Fact]
    public async Task MeshHTTPRouteHostnameMatching()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "very", Matches = [new RouteMatch { Host = new(StringMatchKind.Exact, "very.specific.com") }], Split = [To("v1")] },
            new RoutePolicy { Name = "wild", Matches = [new RouteMatch { Host = new(StringMatchKind.Regex, @".+\.wildcard\.io") }], Split = [To("v2")] });
        Assert.Equal("echo-v1", (await mesh.GetAsync("", ("Host", "very.specific.com:1234"))).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("", ("Host", "bar.WILDCARD.io"))).Pod);
    }

    [Fact]
    public async Task MeshHTTPRouteWeight()
    {
        await using var mesh = await StartAsync(new RoutePolicy { Name = "weights", Split = [To("v1", 70), To("v2", 30), new TrafficSplitLeg { Endpoint = "admin", Weight = 0 }] });
        var pods = new List<Echo>();
        for (var i = 0; i < 500; i++) pods.Add(await mesh.GetAsync(""));
        Assert.DoesNotContain(pods, p => p.Seen["port"] == "admin");
        // 3.29 standard deviations of Binomial(500, 0.7): 99.9 %.
        var bound = 3.29 * Math.Sqrt(500 * 0.7 * 0.3);
        Assert.InRange(pods.Count(p => p.Pod == "echo-v1"), 350 - bound, 350 + bound);
    }

    [Fact]
    public async Task MeshHTTPRouteNamedRule()
    {
        await using var mesh = await StartAsync(
            new RoutePolicy { Name = "named-rule", Matches = [Path("/named")], Split = [To("v1")] }, new RoutePolicy { Name = "other", Matches = [Path("/unnamed")], Split = [To("v2")] });
        Assert.Equal("echo-v1", (await mesh.GetAsync("named")).Pod);
        Assert.Equal("echo-v2", (await mesh.GetAsync("unnamed")).Pod);
        Assert.Contains("named-rule", mesh.Control.GetRoutes().Select(r => r.Route));
    }

    private static NamedMatch Is(string name, string value) => new(name, new(StringMatchKind.Exact, value));

    private static ImmutableDictionary<string, string> One(string name, string value) => ImmutableDictionary<string, string>.Empty.Add(name, value);
}
