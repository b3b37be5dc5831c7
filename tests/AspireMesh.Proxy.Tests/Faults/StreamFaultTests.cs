using System.Net.WebSockets;
using System.Text;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>What grpc-dotnet and a WebSocket see of faults at a message of a stream, and of those that mean something else to gRPC.</summary>
public class StreamFaultTests
{
    [Theory]
    [InlineData(FaultSide.Outbound)]
    [InlineData(FaultSide.Inbound)]
    public async Task A_grpc_stream_loses_a_message(FaultSide side)
    {
        await using var grpc = await GrpcAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.StreamDrop, Message = 2 }, side));
        Assert.Equal("m1,m3", await StreamAsync(grpc));
        Assert.Equal([$"a-{FaultKinds.StreamDrop}"], (side == FaultSide.Outbound ? grpc.Pair.Pair.CallerEvents : grpc.Pair.Pair.CalleeEvents).Faults);
    }

    [Theory]
    [InlineData(FaultSide.Outbound)]
    [InlineData(FaultSide.Inbound)]
    public async Task A_grpc_stream_ends_with_a_code_at_a_message(FaultSide side)
    {
        await using var grpc = await GrpcAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.StreamClose, Message = 3, Code = 8 }, side));
        Assert.Equal("m1,m2,ResourceExhausted", await StreamAsync(grpc));
    }

    [Fact]
    public async Task A_grpc_stream_stands_still_at_a_message()
    {
        await using var grpc = await GrpcAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.StreamStall, Message = 2 }));
        Assert.Equal("m1,DeadlineExceeded", await StreamAsync(grpc, TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public async Task A_grpc_call_without_its_trailers_has_no_status()
    {
        await using var grpc = await GrpcAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.LoseTrailers }));
        var lost = await Assert.ThrowsAsync<RpcException>(() => grpc.Invoker.AsyncUnaryCall(GrpcEcho.Unary, null, default, "a").ResponseAsync);
        Assert.Contains("grpc-status", lost.Status.Detail);
    }

    [Theory]
    [InlineData(FaultSide.Outbound)]
    [InlineData(FaultSide.Inbound)]
    public async Task Grpc_hears_the_code_it_was_given_and_only_on_the_method_that_was_meant(FaultSide side)
    {
        var rule = FaultPair.Rule(new Fault { Kind = FaultKinds.Abort, GrpcStatus = 9 }, side) with { Match = new RouteMatch { GrpcService = "test.Echo", GrpcMethod = nameof(GrpcEcho.OnUnary) } };
        await using var grpc = await GrpcAsync(rule);
        var refused = await Assert.ThrowsAsync<RpcException>(() => grpc.Invoker.AsyncUnaryCall(GrpcEcho.Unary, null, default, "a").ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Equal("m1,m2,m3", await StreamAsync(grpc));
    }

    [Fact]
    public async Task A_429_is_resource_exhausted_to_grpc()
    {
        await using var grpc = await GrpcAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.RateLimit }));
        var refused = await Assert.ThrowsAsync<RpcException>(() => grpc.Invoker.AsyncUnaryCall(GrpcEcho.Unary, null, default, "a").ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Theory]
    [InlineData(FaultSide.Outbound, "response")]
    [InlineData(FaultSide.Inbound, "response")]
    [InlineData(FaultSide.Outbound, "request")]
    [InlineData(FaultSide.Inbound, "request")]
    public async Task A_websocket_loses_a_message(FaultSide side, string direction)
    {
        await using var pair = await WebSocketPairAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.StreamDrop, Message = 2, Direction = direction }, side));
        Assert.Equal("echo one,echo three", await ChatAsync(pair));
    }

    [Theory]
    [InlineData("response", "echo one,4321 on purpose")]
    [InlineData("request", "echo one,4321 on purpose")]
    public async Task A_websocket_closes_with_a_code(string direction, string expected)
    {
        await using var pair = await WebSocketPairAsync(FaultPair.Rule(new Fault { Kind = FaultKinds.StreamClose, Message = 2, Code = 4321, Name = "on purpose", Direction = direction }));
        Assert.Equal(expected, await ChatAsync(pair));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_are_found_wherever_the_pieces_are_cut(bool grpc)
    {
        var framing = grpc ? MessageFraming.Grpc : MessageFraming.WebSocket;
        byte[] long126 = [0x82, 0xfe, 0x00, 0x80, 1, 2, 3, 4, .. new byte[128]];
        byte[] all = framing == MessageFraming.Grpc
            ? [0, 0, 0, 0, 2, 10, 11, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 12]
            : [0x01, 1, 65, 0x89, 0, 0x80, 2, 66, 67, .. long126, 0x88, 2, 3, 232];
        string expected = framing == MessageFraming.Grpc ? "1:7 2:5 3:6" : "0:6 1:7 2:136";
        for (var size = 1; size < all.Length; size++)
        {
            var sizes = new Dictionary<long, int>();
            var whole = new List<byte>();
            await foreach (var segment in new MessageCutter(framing).CutAsync(Pieces(all, size), default))
            {
                sizes[segment.Message] = sizes.GetValueOrDefault(segment.Message) + segment.Bytes.Length;
                whole.AddRange(segment.Bytes.ToArray());
            }

            Assert.Equal(expected, string.Join(' ', sizes.OrderBy(s => s.Key).Select(s => $"{s.Key}:{s.Value}")));
            Assert.Equal(all, whole);
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] all, int size)
    {
        await Task.Yield();
        for (var i = 0; i < all.Length; i += size) yield return all.AsMemory(i, Math.Min(size, all.Length - i));
    }

    private static async Task<GrpcFixture> GrpcAsync(params FaultRule[] rules)
    {
        var app = await TestApp.StartAsync(static _ => Task.CompletedTask, HttpProtocols.Http2, static s => s.AddGrpc().Services.AddSingleton<GrpcEcho>(), static w =>
        {
            w.UseRouting();
            w.UseEndpoints(static e => e.MapGrpcService<GrpcEcho>());
        });
        var pair = await HttpPair.StartAsync(app, new HttpPairOptions { Http2 = true }.With(rules));
        return new GrpcFixture(pair, GrpcChannel.ForAddress(pair.Client.BaseAddress!));
    }

    private static async Task<string> StreamAsync(GrpcFixture grpc, TimeSpan? deadline = null)
    {
        var seen = new List<string>();
        // The stall is what ends by the deadline; everything else has all the time it needs.
        using var call = grpc.Invoker.AsyncServerStreamingCall(GrpcEcho.Server, null, new CallOptions(deadline: DateTime.UtcNow + (deadline ?? FaultPair.Patience)), "m");
        try
        {
            await foreach (var message in call.ResponseStream.ReadAllAsync()) seen.Add(message);
        }
        catch (RpcException e)
        {
            seen.Add(e.StatusCode.ToString());
        }

        return string.Join(',', seen);
    }

    private static Task<HttpPair> WebSocketPairAsync(params FaultRule[] rules) => HttpPair.StartAsync(static async context =>
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[1000];
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (got.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(got.CloseStatus ?? WebSocketCloseStatus.NormalClosure, got.CloseStatusDescription, context.RequestAborted);
                return;
            }

            await socket.SendAsync(Encoding.UTF8.GetBytes("echo " + Encoding.UTF8.GetString(buffer, 0, got.Count)), WebSocketMessageType.Text, true, context.RequestAborted);
        }
    }, new HttpPairOptions().With(rules));

    private static async Task<string> ChatAsync(HttpPair pair)
    {
        using var patience = new CancellationTokenSource(FaultPair.Patience);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(pair.Client.BaseAddress!) { Scheme = "ws" }.Uri, patience.Token);
        foreach (var text in new[] { "one", "two", "three" }) await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, patience.Token);
        var seen = new List<string>();
        var buffer = new byte[1000];
        while (seen.LastOrDefault() != "echo three")
        {
            var got = await socket.ReceiveAsync(buffer, patience.Token);
            if (got.MessageType == WebSocketMessageType.Close)
            {
                seen.Add($"{(int)got.CloseStatus!} {got.CloseStatusDescription}");
                break;
            }

            seen.Add(Encoding.UTF8.GetString(buffer, 0, got.Count));
        }

        return string.Join(',', seen);
    }

    private sealed record GrpcFixture(HttpPair Pair, GrpcChannel Channel) : IAsyncDisposable
    {
        public CallInvoker Invoker { get; } = Channel.CreateCallInvoker();

        public async ValueTask DisposeAsync()
        {
            Channel.Dispose();
            await Pair.DisposeAsync();
        }
    }
}
