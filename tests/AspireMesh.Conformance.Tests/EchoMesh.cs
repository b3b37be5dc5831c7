using System.Collections.Immutable;
using System.Net;
using AspireMesh.Host;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy;
using AspireMesh.Proxy.Tests.Pipeline;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Conformance.Tests;

/// <summary>
/// The suite's little world: a client, and <c>echo</c> in two versions with two ports, each beside a sidecar of its own, under a real control plane.
/// A case says its routes and sends requests to the client's listener for <c>echo</c>.
/// </summary>
internal sealed class EchoMesh : IAsyncDisposable
{
    private const string Domain = "conformance.mesh";
    private readonly List<IAsyncDisposable> _parts = [];
    private readonly Dictionary<(string Pod, string Port), string> _apps = [];

    private EchoMesh(MeshControlPlane control, HttpClient http, HttpClient admin) => (Control, Http, Admin) = (control, http, admin);

    public MeshControlPlane Control { get; }

    /// <summary>The client's listener for <c>echo.http</c>.</summary>
    public HttpClient Http { get; }

    /// <summary>Its listener for <c>echo.admin</c>.</summary>
    public HttpClient Admin { get; }

    /// <summary>Routes of the edge client → echo.http.</summary>
    public static Task<EchoMesh> StartAsync(params RoutePolicy[] routes) => StartAsync(grpc: false, routes);

    public static async Task<EchoMesh> StartAsync(bool grpc, params RoutePolicy[] routes)
    {
        var (http, admin) = (FreePort.Next(), FreePort.Next());
        var control = new MeshControlPlane(new ControlPlaneOptions { Name = "conformance", TrustDomain = Domain, RunDirectory = "" });
        control.ApplyModel(Model(http, admin, [.. routes]));
        await control.StartAsync(default);
        var mesh = new EchoMesh(control, Client(http, grpc), Client(admin, grpc));
        foreach (var version in new[] { "v1", "v2" })
        {
            foreach (var endpoint in new[] { "http", "admin" })
            {
                var app = await AppAsync($"echo-{version}", endpoint, grpc);
                mesh._parts.Add(app);
                control.SetAppAddress("echo", $"echo-{version}", endpoint, app.Address);
                mesh._apps[($"echo-{version}", endpoint)] = app.Address;
            }
        }

        foreach (var instance in new[] { "client", "echo-v1", "echo-v2" })
        {
            var sidecar = new MeshSidecar(control.CreateBootstrap(instance), new MeshSidecarOptions { ServiceName = instance });
            mesh._parts.Add(sidecar);
            await sidecar.StartAsync(default);
        }

        return mesh;
    }

    /// <summary>Where an app itself listens.</summary>
    public string AppAddress(string pod, string port) => _apps[(pod, port)];

    /// <summary>A leg to one version.</summary>
    public static TrafficSplitLeg To(string version, int weight = 1) => new() { Weight = weight, Subset = ImmutableDictionary<string, string>.Empty.Add("version", version) };

    public static RouteMatch Path(string value, StringMatchKind kind = StringMatchKind.Prefix) => new() { Path = new(kind, value) };

    /// <summary>Sends a request; what the app, or the sidecar, answered.</summary>
    public Task<Echo> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(Http, HttpMethod.Get, path, headers);

    public static async Task<Echo> SendAsync(HttpClient client, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
        {
            if (name == "Host") request.Headers.Host = value;
            else request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await client.SendAsync(request);
        var seen = (await response.Content.ReadAsStringAsync()).Split('\n').Select(l => l.Split(": ", 2)).Where(p => p.Length == 2)
            .ToDictionary(p => p[0], p => p[1], StringComparer.OrdinalIgnoreCase);
        return new Echo((int)response.StatusCode, seen, response.Headers.ToDictionary(h => h.Key, h => string.Join(',', h.Value), StringComparer.OrdinalIgnoreCase), response.Headers.Location);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Admin.Dispose();
        foreach (var part in Enumerable.Reverse(_parts)) await part.DisposeAsync();
        await Control.DisposeAsync();
    }

    private static Task<TestApp> AppAsync(string pod, string port, bool grpc) => grpc
        ? TestApp.StartAsync(
            _ => Task.CompletedTask, HttpProtocols.Http2,
            services => services.AddGrpc().Services.AddSingleton<GrpcEcho>(new NamedEcho(pod)),
            web => { web.UseRouting(); web.UseEndpoints(e => e.MapGrpcService<GrpcEcho>()); })
        : TestApp.StartAsync(c =>
        {
            c.Response.Headers["X-Header-Remove"] = "remove";
            c.Response.Headers["X-Header-Add"] = "from-app";
            c.Response.Headers["X-Header-Set"] = "from-app";
            return c.Response.WriteAsync(
                $"pod: {pod}\nport: {port}\nmethod: {c.Request.Method}\npath: {c.Request.Path}{c.Request.QueryString}\nhost: {c.Request.Host}\n"
                + string.Concat(c.Request.Headers.Where(h => h.Key.StartsWith("X-", StringComparison.OrdinalIgnoreCase)).Select(h => $"{h.Key}: {h.Value}\n")));
        });

    private static HttpClient Client(int port, bool grpc) => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{port}/"),
        DefaultRequestVersion = grpc ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static MeshModel Model(int http, int admin, ImmutableArray<RoutePolicy> routes) => new()
    {
        Name = "conformance",
        TrustDomain = Domain,
        DrainTime = TimeSpan.FromSeconds(1),
        Workloads =
        [
            new WorkloadModel { Name = "client", Sidecars = [Sidecar("client", null)] },
            new WorkloadModel
            {
                Name = "echo",
                Endpoints = [new EndpointModel { Name = "http" }, new EndpointModel { Name = "admin" }],
                Sidecars = [Sidecar("echo-v1", "v1"), Sidecar("echo-v2", "v2")],
            },
        ],
        Edges = [Edge("http", http, new EdgePolicies { Routes = routes }), Edge("admin", admin, new EdgePolicies())],
    };

    private static EdgeModel Edge(string endpoint, int port, EdgePolicies policies) => new()
    {
        From = "client", To = "echo", Endpoint = endpoint, Policies = policies, Listen = ImmutableDictionary<string, string>.Empty.Add("client", $"127.0.0.1:{port}"),
    };

    private static SidecarModel Sidecar(string instance, string? version) => new()
    {
        Instance = instance,
        Inbound = $"127.0.0.1:{FreePort.Next()}",
        Admin = $"127.0.0.1:{FreePort.Next()}",
        Labels = version is null ? ImmutableDictionary<string, string>.Empty : ImmutableDictionary<string, string>.Empty.Add("version", version),
    };

    private sealed class NamedEcho(string pod) : GrpcEcho
    {
        /// <summary>Its name; asked for headers, those of a case and what stands in them, values of one name joined.</summary>
        public override Task<string> OnUnary(string request, Grpc.Core.ServerCallContext context) => Task.FromResult(request != "headers" ? pod : string.Join(';', context.RequestHeaders
            .Where(h => h.Key.StartsWith("x-header", StringComparison.Ordinal) || h.Key.StartsWith("some-", StringComparison.Ordinal))
            .GroupBy(h => h.Key).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Key}={string.Join(',', g.Select(h => h.Value)).Replace(", ", ",", StringComparison.Ordinal)}")));
    }
}

/// <summary>What came back.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Seen">What the app saw: pod, port, method, path, host and X- headers.</param>
/// <param name="Headers">Response headers.</param>
/// <param name="Location">Where a redirect leads.</param>
internal sealed record Echo(int Status, Dictionary<string, string> Seen, Dictionary<string, string> Headers, Uri? Location)
{
    public string Pod => Seen.GetValueOrDefault("pod") ?? $"none: {Status} {Headers.GetValueOrDefault("x-mesh-error")}";
}
