using System.Collections.Concurrent;
using System.Net.Sockets;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Make = AspireMesh.Chaos.Faults;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>
/// Every kind in <see cref="FaultKinds"/> at a quarter of the traffic: what untouched clients see of it over real sockets lies within the 99.9 % bound of its claim, is as much as the sidecar
/// counted, and traffic outside its match sees nothing. A kind that has no row here fails.
/// </summary>
public class FaultRateTests
{
    private const int Requests = 200;
    private const int Others = 40;
    private const string Body = """{"price":12}""";

    /// <summary>How a kind is set, and what a client that is hit sees instead of the body.</summary>
    /// <param name="Fault">The fault.</param>
    /// <param name="Seen">What is seen; null for nothing.</param>
    /// <param name="Waits">A hit is over only when the clock moves, which nobody but the test does.</param>
    private sealed record Row(Fault Fault, string? Seen, bool Waits = false);

    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(7);

    private static readonly Dictionary<string, Row> s_http = new()
    {
        [FaultKinds.Abort] = new(Make.Abort(418), "418"),
        [FaultKinds.Delay] = new(Make.Delay(s_late), Body, Waits: true),
        [FaultKinds.RateLimit] = new(Make.RateLimited(s_late), "429"),
        [FaultKinds.Throttle] = new(Make.Throttle(4), Body, Waits: true),
        [FaultKinds.Truncate] = new(Make.Truncate(4), "cut"),
        [FaultKinds.Corrupt] = new(Make.Corrupt(1), "{\u00ddprice\":12}"),
        [FaultKinds.Duplicate] = new(Make.Duplicate(), Body + Body),
        [FaultKinds.ReplaceBody] = new(Make.ReplaceBody("<html>"), "<html>"),
        [FaultKinds.PatchBody] = new(Make.PatchBody("""{"price":0}"""), """{"price":0}"""),
        [FaultKinds.StaleCache] = new(Make.StaleCache(), Body + " of age 0"),
        [FaultKinds.KeyCollision] = new(Make.KeyCollision(), Body + " of another"),
        [FaultKinds.Replay] = new(Make.Replay(), Body + " twice"),
        [FaultKinds.DropResponse] = new(Make.DropResponse(), "502"),
        [FaultKinds.Header] = new(Make.SetHeader("x-kept", "changed"), Body + " changed"),
        [FaultKinds.RotateNow] = new(Make.RotateNow(), null),
        [FaultKinds.Reset] = new(Make.Reset(), "502"),
        [FaultKinds.Refuse] = new(Make.Refuse(), "503"),
        [FaultKinds.BlackHole] = new(Make.BlackHole(), "504", Waits: true),
        [FaultKinds.Hang] = new(Make.Hang(), "504", Waits: true),
        [FaultKinds.HalfClose] = new(Make.HalfClose(4), Body[..4]),
        [FaultKinds.SlowClose] = new(Make.SlowClose(s_late), Body, Waits: true),
        [FaultKinds.Slicer] = new(Make.Slicer(4, TimeSpan.FromSeconds(2)), Body, Waits: true),
        [FaultKinds.ByteLimit] = new(Make.ByteLimit(4), "cut"),
        [FaultKinds.Bandwidth] = new(Make.Bandwidth(4), Body, Waits: true),
        [FaultKinds.Drain] = new(Make.Drain(), null),
        [FaultKinds.NoDestinations] = new(Make.NoDestinations(), "503"),
        [FaultKinds.StaleDestinations] = new(Make.StaleDestinations(), "503"),
        [FaultKinds.Flapping] = new(Make.Flapping(TimeSpan.FromSeconds(10)), "503"),
    };

    private static readonly Dictionary<string, Row> s_grpc = new()
    {
        [FaultKinds.LoseTrailers] = new(Make.LoseTrailers(), "m1,m2,m3,Cancelled"),
        [FaultKinds.StreamStall] = new(Make.StreamStall(2, s_late), "m1,m2,m3", Waits: true),
        [FaultKinds.StreamClose] = new(Make.StreamClose(3, 8), "m1,m2,ResourceExhausted"),
        [FaultKinds.StreamDrop] = new(Make.StreamDrop(2), "m1,m3"),
        [FaultKinds.StreamDuplicate] = new(Make.StreamDuplicate(2), "m1,m2,m2,m3"),
        [FaultKinds.StreamReorder] = new(Make.StreamReorder(2), "m1,m3,m2"),
    };

    public static TheoryData<string> Kinds { get; } = new(FaultKinds.All);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_quarter_of_the_traffic_sees_it_and_no_other(string kind)
    {
        var time = new FakeTimeProvider();
        if (s_http.TryGetValue(kind, out var http)) await CheckAsync(http, await HttpAsync(http.Fault, time), time);
        else if (s_grpc.TryGetValue(kind, out var grpc)) await CheckAsync(grpc, await GrpcAsync(grpc.Fault, time), time);
        else if (FaultKinds.OnTls.Contains(kind)) await CheckHandshakesAsync(kind);
        // What these are about is a connection that no traffic is on; FaultsInMeshTests has a control plane to see them.
        else if (FaultKinds.OnControl.Contains(kind)) await CheckUntouchedAsync(kind, time);
        else Assert.Fail($"the kind '{kind}' has no row here");
    }

    /// <summary>Traffic on one edge: a call that is matched or not, and what it sees.</summary>
    private sealed record Traffic(HttpPair Pair, FaultRule Rule, string Usual, Func<int, bool, Task<string>> Call, Func<int> OnTheSide, IDisposable? Client = null) : IAsyncDisposable
    {
        public int Fires => Pair.Pair.CallerEvents.Faults.Count;

        public async ValueTask DisposeAsync()
        {
            Client?.Dispose();
            await Pair.DisposeAsync();
        }
    }

    private static async Task CheckAsync(Row row, Traffic traffic, FakeTimeProvider time)
    {
        await using var _ = traffic;
        var others = Enumerable.Range(0, Others).Select(n => traffic.Call(n, false)).ToArray();
        var calls = Enumerable.Range(0, Requests).Select(n => TimedAsync(traffic.Call(n, true), time)).ToArray();
        Assert.All(await Task.WhenAll(others), seen => Assert.Equal(traffic.Usual, seen));
        // Those that were spared answer while the clock stands still; then it moves, for those that wait on it.
        var fires = await RecordedEvents.EventuallyAsync<int>(() =>
            traffic.Fires is var fired && calls.Count(c => c.IsCompleted) is var done && (row.Waits ? done + fired == Requests : done == Requests) ? fired : null);
        var all = Task.WhenAll(calls);
        while (await Task.WhenAny(all, Task.Delay(5)) != all) time.Advance(TimeSpan.FromMilliseconds(500));
        var ends = await all;
        // A client has its answer before the sidecar has let go of the exchange (the last slice is out, the pause behind it runs): the clock goes on until nothing is under way.
        await RecordedEvents.EventuallyAsync<bool>(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(500));
            return traffic.Pair.Pair.CallerEvents.Requests.Count >= Requests + Others ? true : null;
        });
        var hit = row.Waits ? ends.Where(e => e.Waited).ToArray() : [.. ends.Where(e => e.Seen != traffic.Usual)];
        // The first one gives its key or its answer to the others.
        var expected = row.Seen is null ? 0 : row.Fault.Kind == FaultKinds.KeyCollision ? fires - 1 : fires;
        Assert.Equal(expected, hit.Length);
        Assert.All(hit, h => Assert.Equal(row.Seen, h.Seen));
        if (row.Seen is null) Assert.Equal(fires, traffic.OnTheSide());
        AssertShare(fires, Requests, 0.25);
    }

    /// <summary>An opaque connection has a handshake of its own; one that fails is made again, three times in all.</summary>
    private static async Task CheckHandshakesAsync(string kind)
    {
        const int Connections = 100;
        const double Share = 0.63;
        await using var app = TcpApp.Start(static async s => await s.WriteAsync("hello"u8.ToArray()));
        var rule = FaultPair.Rule(new Fault { Kind = kind, Delay = kind == FaultKinds.ClockSkew ? TimeSpan.FromDays(3) : TimeSpan.Zero }) with { Activation = new() { Percent = Share * 100 } };
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address, EditCaller = s => FaultPair.On(s, FaultSide.Outbound, rule) });
        var seen = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => ReadAsync(pair)));
        var (failed, fires) = (seen.Count(s => s == "broken"), pair.CallerEvents.Faults.Count);
        Assert.All(seen, s => Assert.True(s is "hello" or "broken", s));
        AssertShare(failed, Connections, Share * Share * Share);
        // Every connection was made, or failed three times: what fired is what it took.
        Assert.InRange(fires, 3 * failed, 3 * failed + 2 * (Connections - failed));

        static async Task<string> ReadAsync(SidecarPair pair)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(pair.Outbound);
                using var reader = new StreamReader(client.GetStream());
                return await reader.ReadToEndAsync().WaitAsync(FaultPair.Patience);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                return "broken";
            }
        }
    }

    private static async Task CheckUntouchedAsync(string kind, FakeTimeProvider time)
    {
        await using var traffic = await HttpAsync(new Fault { Kind = kind, Delay = s_late }, time);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, Others).Select(n => traffic.Call(n, true))), seen => Assert.Equal(traffic.Usual, seen));
        Assert.Equal(0, traffic.Fires);
    }

    /// <summary>3.29 standard deviations hold 99.9 %.</summary>
    private static void AssertShare(int seen, int all, double share)
    {
        var bound = 3.29 * Math.Sqrt(all * share * (1 - share));
        Assert.InRange(seen, (all * share) - bound, (all * share) + bound);
    }

    private static async Task<(string Seen, bool Waited)> TimedAsync(Task<string> call, FakeTimeProvider time)
    {
        var seen = await call;
        return (seen, time.GetUtcNow() > time.Start);
    }

    private static async Task<Traffic> HttpAsync(Fault fault, FakeTimeProvider time)
    {
        var rule = FaultPair.Rule(fault) with { Activation = new() { Percent = 25 }, Match = new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, "/hit") } };
        if (FaultKinds.OnControl.Contains(fault.Kind)) rule = rule with { Match = null, ExpiresAt = time.GetUtcNow().AddHours(1) };
        var (arrivals, sides) = (new ConcurrentDictionary<string, int>(), 0);
        var options = new HttpPairOptions { Time = time, Services = s => s with { Renew = () => Interlocked.Increment(ref sides), Drain = () => { Interlocked.Increment(ref sides); s.Drain!(); } } }
            .WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = TimeSpan.FromSeconds(20) } });
        var pair = await HttpPair.StartAsync(async context =>
        {
            context.Response.Headers["x-key"] = context.Request.Headers["Idempotency-Key"];
            context.Response.Headers["x-arrivals"] = $"{arrivals.AddOrUpdate(context.Request.Headers["x-call"].ToString(), 1, static (_, n) => n + 1)}";
            context.Response.Headers["x-kept"] = "kept";
            context.Response.ContentLength = Body.Length;
            await context.Response.WriteAsync(Body);
        }, options.With(rule));
        return new Traffic(pair, rule, Body, (n, matched) => CallAsync(n, matched ? "/hit" : "/other"), () => Volatile.Read(ref sides));

        async Task<string> CallAsync(int n, string path)
        {
            var key = $"{path}-{n}";
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Idempotency-Key", key }, { "x-call", key } } };
            try
            {
                using var response = await pair.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                var body = System.Text.Encoding.Latin1.GetString(await response.Content.ReadAsByteArrayAsync());
                if ((int)response.StatusCode != 200) return $"{(int)response.StatusCode}";
                if (response.Headers.Age is { } age) return $"{body} of age {age.TotalSeconds}";
                if (response.Headers.GetValues("x-key").Single() != key) return body + " of another";
                if (response.Headers.GetValues("x-arrivals").Single() != "1") return body + " twice";
                return response.Headers.GetValues("x-kept").Single() == "kept" ? body : body + " changed";
            }
            catch (HttpRequestException)
            {
                return "cut";
            }
        }
    }

    private static async Task<Traffic> GrpcAsync(Fault fault, FakeTimeProvider time)
    {
        var app = await TestApp.StartAsync(static _ => Task.CompletedTask, HttpProtocols.Http2, static s => s.AddGrpc().Services.AddSingleton<GrpcEcho>(), static w =>
        {
            w.UseRouting();
            w.UseEndpoints(static e => e.MapGrpcService<GrpcEcho>());
        });
        var rule = FaultPair.Rule(fault) with { Activation = new() { Percent = 25 }, Match = new RouteMatch { GrpcService = "test.Echo", GrpcMethod = nameof(GrpcEcho.OnServer) } };
        var pair = await HttpPair.StartAsync(app, new HttpPairOptions { Http2 = true, Time = time }.With(rule));
        var channel = GrpcChannel.ForAddress(pair.Client.BaseAddress!);
        var invoker = channel.CreateCallInvoker();
        return new Traffic(pair, rule, "m1,m2,m3", async (_, matched) =>
        {
            if (!matched) return await invoker.AsyncUnaryCall(GrpcEcho.Unary, null, default, "m1,m2,m3").ResponseAsync is "echo m1,m2,m3" ? "m1,m2,m3" : "wrong";
            var seen = new List<string>();
            using var call = invoker.AsyncServerStreamingCall(GrpcEcho.Server, null, default, "m");
            try
            {
                await foreach (var message in call.ResponseStream.ReadAllAsync()) seen.Add(message);
            }
            catch (RpcException e)
            {
                seen.Add(e.StatusCode.ToString());
            }

            return string.Join(',', seen);
        }, static () => 0, channel);
    }
}
