using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Pipeline;

public class GrpcTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Unary_and_the_three_kinds_of_stream_pass(bool worksOnRequests)
    {
        var options = new HttpPairOptions { Http2 = true };
        if (worksOnRequests) options = options.WithInbound(e => e);
        await using var pair = await StartAsync(options);
        var calls = Calls(pair);
        using var unary = calls.AsyncUnaryCall(GrpcEcho.Unary, null, default, "hi");
        Assert.Equal("echo hi", await unary);
        Assert.Equal("t", unary.GetTrailers().GetValue("x-trailer"));
        using var client = calls.AsyncClientStreamingCall(GrpcEcho.Client, null, default);
        foreach (var word in new[] { "a", "b", "c" }) await client.RequestStream.WriteAsync(word);
        await client.RequestStream.CompleteAsync();
        Assert.Equal("a+b+c", await client);
        using var server = calls.AsyncServerStreamingCall(GrpcEcho.Server, null, default, "x");
        Assert.Equal(["x1", "x2", "x3"], await server.ResponseStream.ReadAllAsync().ToListAsync());
        using var duplex = calls.AsyncDuplexStreamingCall(GrpcEcho.Duplex, null, default);
        for (var i = 0; i < 3; i++)
        {
            await duplex.RequestStream.WriteAsync($"{i}");
            Assert.True(await duplex.ResponseStream.MoveNext());
            Assert.Equal($"echo {i}", duplex.ResponseStream.Current);
        }

        await duplex.RequestStream.CompleteAsync();
        Assert.False(await duplex.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task A_stream_outlives_the_deadline_once_it_has_begun()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pair = await StartAsync(new HttpPairOptions { Time = time });
        using var duplex = Calls(pair).AsyncDuplexStreamingCall(GrpcEcho.Duplex, null, default);
        for (var i = 0; i < 4; i++)
        {
            await duplex.RequestStream.WriteAsync($"{i}");
            Assert.True(await duplex.ResponseStream.MoveNext());
            time.Advance(TimeSpan.FromMinutes(20));
        }

        await duplex.RequestStream.CompleteAsync();
        Assert.False(await duplex.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task The_status_and_its_message_pass_and_are_seen()
    {
        await using var pair = await StartAsync(new HttpPairOptions());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "fail 5"));
        Assert.Equal((StatusCode.NotFound, "as asked"), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal(5, pair.LastRequest.GrpcStatus);
    }

    [Fact]
    public async Task A_listed_code_is_retried_and_one_that_is_not_listed_is_not()
    {
        await using var pair = await StartAsync(new HttpPairOptions().WithRetry(new RetryPolicy { GrpcCodes = [14], BackoffBase = TimeSpan.Zero, BackoffMax = TimeSpan.Zero }));
        await Assert.ThrowsAsync<RpcException>(async () => await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "fail 14"));
        Assert.Equal(3, pair.App.Requests.Count);
        await Assert.ThrowsAsync<RpcException>(async () => await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "fail 13"));
        Assert.Equal(4, pair.App.Requests.Count);
    }

    [Fact]
    public async Task A_refusal_by_rule_is_permission_denied()
    {
        await using var pair = await StartAsync(new HttpPairOptions().WithInbound(e => e with
        {
            Authorization = [e.Authorization[0] with { Requests = [new RouteMatch { GrpcService = "test.Echo", GrpcMethod = nameof(GrpcEcho.OnServer) }] }],
        }));
        using var server = Calls(pair).AsyncServerStreamingCall(GrpcEcho.Server, null, default, "x");
        Assert.Equal(3, (await server.ResponseStream.ReadAllAsync().ToListAsync()).Count);
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "hi"));
        Assert.Equal(StatusCode.PermissionDenied, failure.StatusCode);
    }

    [Fact]
    public async Task An_aborted_call_carries_the_code_of_the_fault()
    {
        var rule = new FaultRule { Id = "f", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, GrpcStatus = 8 } };
        await using var pair = await StartAsync(new HttpPairOptions { Caller = s => s with { Faults = [rule] } });
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "hi"));
        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
    }

    [Fact]
    public async Task Nobody_there_is_unavailable_and_no_answer_in_time_is_deadline_exceeded()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pair = await StartAsync(new HttpPairOptions { Time = time });
        var hanging = Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "hang");
        while (pair.App.Requests.IsEmpty) await Task.Yield();
        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(async () => await hanging)).StatusCode);
        await pair.Pair.ApplyCallerAsync(pair.Pair.CallerSnapshot with { Clusters = [pair.Pair.CallerSnapshot.Clusters[0] with { Destinations = [] }] });
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(async () => await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, default, "hi"))).StatusCode);
    }

    [Fact]
    public async Task The_callers_deadline_is_passed_on()
    {
        await using var pair = await StartAsync(new HttpPairOptions());
        var seconds = int.Parse(await Calls(pair).AsyncUnaryCall(GrpcEcho.Unary, null, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(600)), "deadline"));
        Assert.InRange(seconds, 500, 600);
    }

    private static async Task<HttpPair> StartAsync(HttpPairOptions options)
    {
        var app = await TestApp.StartAsync(
            _ => Task.CompletedTask, HttpProtocols.Http2,
            services => services.AddGrpc().Services.AddSingleton<GrpcEcho>(),
            web => { web.UseRouting(); web.UseEndpoints(e => e.MapGrpcService<GrpcEcho>()); });
        return await HttpPair.StartAsync(app, options with { Http2 = true });
    }

    private static CallInvoker Calls(HttpPair pair) => GrpcChannel.ForAddress(pair.Pair.OutboundUri, new GrpcChannelOptions { HttpClient = pair.Client }).CreateCallInvoker();
}
