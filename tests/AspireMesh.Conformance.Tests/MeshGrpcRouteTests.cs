using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pipeline;
using Grpc.Core;
using Grpc.Net.Client;
using static AspireMesh.Conformance.Tests.EchoMesh;

namespace AspireMesh.Conformance.Tests;

/// <summary>Gateway API conformance, profile MESH-GRPC. Test names are the suite's short names.</summary>
public class MeshGrpcRouteTests
{
    [Fact]
    public async Task MeshGRPCRouteExactMethodMatching()
    {
        await using var mesh = await StartAsync(
            grpc: true,
            new RoutePolicy { Name = "exact", Matches = [new RouteMatch { GrpcService = "test.Echo", GrpcMethod = nameof(GrpcEcho.OnUnary) }], Split = [To("v1")] },
            new RoutePolicy { Name = "service", Matches = [new RouteMatch { GrpcService = "test.Echo" }], Split = [To("v2")] });
        for (var i = 0; i < 4; i++) Assert.Equal("echo-v1", await PodAsync(mesh));
        var calls = GrpcChannel.ForAddress(mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpClient = mesh.Http }).CreateCallInvoker();
        using var stream = calls.AsyncServerStreamingCall(GrpcEcho.Server, null, default, "s");
        Assert.Equal(["s1", "s2", "s3"], await stream.ResponseStream.ReadAllAsync().ToListAsync());
    }

    [Fact]
    public async Task MeshGRPCRouteHeaderMatching()
    {
        await using var mesh = await StartAsync(
            grpc: true,
            new RoutePolicy { Name = "two", Matches = [new RouteMatch { Headers = [new("version", new(StringMatchKind.Exact, "two"))] }], Split = [To("v2")] },
            new RoutePolicy { Name = "one", Split = [To("v1")] });
        Assert.Equal("echo-v2", await PodAsync(mesh, new Metadata { { "version", "two" } }));
        Assert.Equal("echo-v1", await PodAsync(mesh, new Metadata { { "version", "one" } }));
    }

    [Fact]
    public async Task MeshGRPCRouteRequestHeaderModifier()
    {
        await using var mesh = await StartAsync(
            grpc: true,
            Case("set", new HeaderEdits { Set = Of(("x-header-set", "set-overwrites-values")) }),
            Case("add", new HeaderEdits { Add = Of(("x-header-add", "add-appends-values")) }),
            Case("remove", new HeaderEdits { Remove = ["x-header-remove"] }),
            Case("multi", new HeaderEdits
            {
                Set = Of(("x-header-set-1", "header-set-1"), ("x-header-set-2", "header-set-2")),
                Add = Of(("x-header-add-1", "header-add-1"), ("x-header-add-2", "header-add-2")),
                Remove = ["x-header-remove-1", "x-header-remove-2"],
            }));
        Assert.Equal(
            "some-other-header=this-header-should-be-set;x-header-set=set-overwrites-values",
            await HeadersAsync(mesh, "set", ("some-other-header", "this-header-should-be-set"), ("x-header-set", "this-value-should-be-overwritten")));
        Assert.Equal("x-header-add=this-value-should-be-appended,add-appends-values", await HeadersAsync(mesh, "add", ("x-header-add", "this-value-should-be-appended")));
        Assert.Equal("", await HeadersAsync(mesh, "remove", ("x-header-remove", "this-should-be-removed")));
        Assert.Equal(
            "x-header-add-1=header-add-1;x-header-add-2=add-header-2,header-add-2;x-header-set-1=header-set-1;x-header-set-2=header-set-2",
            await HeadersAsync(mesh, "multi", ("x-header-set-2", "set-header-2"), ("x-header-add-2", "add-header-2"), ("x-header-remove-2", "should-be-removed-2")));
    }

    [Fact]
    public async Task MeshGRPCRouteWeight()
    {
        await using var mesh = await StartAsync(grpc: true, new RoutePolicy { Name = "weights", Split = [To("v1", 70), To("v2", 30)] });
        var first = 0;
        for (var i = 0; i < 500; i++)
            if (await PodAsync(mesh) == "echo-v1") first++;
        var bound = 3.29 * Math.Sqrt(500 * 0.7 * 0.3);
        Assert.InRange(first, 350 - bound, 350 + bound);
    }

    private static RoutePolicy Case(string name, HeaderEdits edits) =>
        new() { Name = name, Matches = [new RouteMatch { Headers = [new("x-test-case", new(StringMatchKind.Exact, name))] }], Split = [To("v1")], RequestHeaders = edits };

    private static ImmutableDictionary<string, string> Of(params (string Name, string Value)[] headers) => headers.ToImmutableDictionary(h => h.Name, h => h.Value);

    private static async Task<string> HeadersAsync(EchoMesh mesh, string name, params (string Name, string Value)[] headers)
    {
        var metadata = new Metadata { { "x-test-case", name } };
        foreach (var (key, value) in headers) metadata.Add(key, value);
        var calls = GrpcChannel.ForAddress(mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpClient = mesh.Http }).CreateCallInvoker();
        return await calls.AsyncUnaryCall(GrpcEcho.Unary, null, new CallOptions(metadata), "headers");
    }

    private static async Task<string> PodAsync(EchoMesh mesh, Metadata? headers = null)
    {
        var calls = GrpcChannel.ForAddress(mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpClient = mesh.Http }).CreateCallInvoker();
        return await calls.AsyncUnaryCall(GrpcEcho.Unary, null, new CallOptions(headers), "who");
    }
}
