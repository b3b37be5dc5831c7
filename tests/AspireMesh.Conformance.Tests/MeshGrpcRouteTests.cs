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
    public async Task MeshGRPCRouteWeight()
    {
        await using var mesh = await StartAsync(grpc: true, new RoutePolicy { Name = "weights", Split = [To("v1", 70), To("v2", 30)] });
        var first = 0;
        for (var i = 0; i < 500; i++)
            if (await PodAsync(mesh) == "echo-v1") first++;
        var bound = 3.29 * Math.Sqrt(500 * 0.7 * 0.3);
        Assert.InRange(first, 350 - bound, 350 + bound);
    }

    private static async Task<string> PodAsync(EchoMesh mesh, Metadata? headers = null)
    {
        var calls = GrpcChannel.ForAddress(mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpClient = mesh.Http }).CreateCallInvoker();
        return await calls.AsyncUnaryCall(GrpcEcho.Unary, null, new CallOptions(headers), "who");
    }
}
