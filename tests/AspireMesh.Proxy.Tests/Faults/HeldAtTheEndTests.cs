using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using AspireMesh.TestKit;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>
/// A sidecar ends while a fault holds a request, on a clock that nobody moves: what would wait for the fault's time, or for a caller who never gives up, waits for good.
/// </summary>
public class HeldAtTheEndTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    /// <summary>The fault, what carries it, and which end executes it.</summary>
    public static TheoryData<string, Traffic, FaultSide> Held { get; } = new(
        from one in new[]
        {
            ("delay", Traffic.Http1), ("delay", Traffic.Http2), ("delay", Traffic.Upload), ("delay", Traffic.Tcp),
            ("black-hole", Traffic.Http1), ("black-hole", Traffic.Http2), ("black-hole", Traffic.Upload), ("black-hole", Traffic.Tcp),
            ("hang", Traffic.Http1), ("hang", Traffic.Http2), ("hang", Traffic.Upload), ("hang", Traffic.Tcp),
            ("throttle", Traffic.Http1), ("throttle-request", Traffic.Upload), ("bandwidth", Traffic.Http2), ("bandwidth", Traffic.Tcp), ("bandwidth-request", Traffic.Tcp),
            ("slicer", Traffic.Http1), ("slicer", Traffic.Tcp),
            ("slow-close", Traffic.Http1), ("slow-close-request", Traffic.Upload), ("slow-close", Traffic.Tcp), ("slow-close-request", Traffic.Tcp),
            ("delay", Traffic.Gateway), ("delay", Traffic.ForwardProxy), ("delay", Traffic.Peer), ("delay", Traffic.Plaintext),
            ("black-hole", Traffic.Gateway), ("black-hole", Traffic.ForwardProxy), ("black-hole", Traffic.Peer), ("black-hole", Traffic.Plaintext),
            ("hang", Traffic.Gateway), ("hang", Traffic.ForwardProxy), ("hang", Traffic.Peer), ("hang", Traffic.Plaintext),
            ("stream-stall", Traffic.Grpc), ("stream-stall", Traffic.WebSocket), ("stream-stall-request", Traffic.WebSocket),
        }
        from side in new[] { FaultSide.Outbound, FaultSide.Inbound }
        where side == FaultSide.Outbound || one.Item2 is not (Traffic.Gateway or Traffic.ForwardProxy)
        where side == FaultSide.Inbound || one.Item2 is not (Traffic.Peer or Traffic.Plaintext)
        select (one.Item1, one.Item2, side));

    public enum Traffic
    {
        Http1,
        Http2,
        Upload,
        Grpc,
        WebSocket,
        Tcp,

        /// <summary>From outside the mesh, over the gateway's TLS.</summary>
        Gateway,

        /// <summary>By way of the sidecar's forward proxy.</summary>
        ForwardProxy,

        /// <summary>A client in mTLS that is no sidecar of ours, straight to the callee's.</summary>
        Peer,

        /// <summary>Likewise in plaintext.</summary>
        Plaintext,
    }

    [Theory]
    [MemberData(nameof(Held))]
    public async Task A_sidecar_that_is_disposed_does_not_wait_for_what_a_fault_holds(string which, Traffic traffic, FaultSide side)
    {
        await using var held = await HoldAsync(which, traffic, side);
        await held.Holder.DisposeAsync().AsTask().WaitAsync(FaultPair.Patience, TestContext.Current.CancellationToken);
        await held.CallerIsToldAsync();
    }

    [Theory]
    [MemberData(nameof(Held))]
    public async Task A_sidecar_that_stops_waits_for_what_a_fault_holds_for_its_drain_time_and_no_longer(string which, Traffic traffic, FaultSide side)
    {
        await using var held = await HoldAsync(which, traffic, side);
        var stopping = held.Holder.StopAsync(default);
        Assert.False(stopping.IsCompleted);
        Assert.False(held.Calling.IsCompleted);
        held.Time.Advance(held.Pair.CallerSnapshot.DrainTime);
        await stopping.WaitAsync(FaultPair.Patience, TestContext.Current.CancellationToken);
        await held.CallerIsToldAsync();
    }

    private static async Task<HeldRequest> HoldAsync(string which, Traffic traffic, FaultSide side)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var direction = which.EndsWith("-request", StringComparison.Ordinal) ? "request" : "response";
        var kind = which.Replace("-request", "", StringComparison.Ordinal);
        var fault = new Fault
        {
            Kind = kind, Direction = direction, Message = 2, Bytes = 1, BytesPerSecond = kind is FaultKinds.Throttle or FaultKinds.Bandwidth ? 1 : 0,
            Delay = kind is FaultKinds.Delay or FaultKinds.Slicer or FaultKinds.SlowClose ? s_hour : default,
        };
        var rule = FaultPair.Rule(fault, side);
        var app = traffic == Traffic.Tcp ? null : await StartAppAsync(traffic);
        var tcp = traffic == Traffic.Tcp ? TcpApp.Start(static s => s.CopyToAsync(s)) : null;
        var pair = await SidecarPair.StartAsync(new SidecarPairOptions
        {
            Protocol = traffic == Traffic.Tcp ? AppProtocol.Tcp : AppProtocol.Http,
            App = app?.Address ?? tcp!.Address,
            Sidecar = new MeshSidecarOptions { TimeProvider = time },
            EditCaller = s => FaultPair.On(traffic == Traffic.Tcp ? s : s with { Gateways = [Gateway()], Egress = ForwardProxy() }, FaultSide.Outbound, rule),
            EditCallee = s => FaultPair.On(traffic == Traffic.Plaintext ? TakingPlaintext(s) : s, FaultSide.Inbound, rule),
        });
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var calling = CallAsync(pair, traffic, ends: kind is not (FaultKinds.BlackHole or FaultKinds.Hang), reached);
        var held = new HeldRequest(pair, side == FaultSide.Outbound ? pair.Caller : pair.Callee, time, calling, app, tcp);
        var events = side == FaultSide.Outbound ? pair.CallerEvents : pair.CalleeEvents;
        await RecordedEvents.EventuallyAsync<bool>(() => events.Faults.Contains(rule.Id) ? true : null);
        if (kind == FaultKinds.Hang && app is not null) await RecordedEvents.EventuallyAsync<bool>(() => app.Requests.IsEmpty ? null : true);
        // Streams come as far as the message before the one that is held.
        if (traffic is Traffic.Grpc or Traffic.WebSocket) await reached.Task.WaitAsync(FaultPair.Patience);
        return held;
    }

    private static Task<TestApp> StartAppAsync(Traffic traffic) => traffic == Traffic.Grpc
        ? TestApp.StartAsync(static _ => Task.CompletedTask, HttpProtocols.Http2, static s => s.AddGrpc().Services.AddSingleton<GrpcEcho>(), static w =>
        {
            w.UseRouting();
            w.UseEndpoints(static e => e.MapGrpcService<GrpcEcho>());
        })
        : TestApp.StartAsync(AnswerAsync, traffic == Traffic.Http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);

    private static async Task AnswerAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            await context.Response.WriteAsync("hello", context.RequestAborted);
            return;
        }
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[100];
        while ((await socket.ReceiveAsync(buffer, context.RequestAborted)).MessageType != WebSocketMessageType.Close) await socket.SendAsync(buffer.AsMemory(0, 1), WebSocketMessageType.Binary, true, context.RequestAborted);
    }

    /// <summary>Completes when the caller's app knows how its call ended: with an answer, or without.</summary>
    private static async Task CallAsync(SidecarPair pair, Traffic traffic, bool ends, TaskCompletionSource reached)
    {
        try
        {
            switch (traffic)
            {
                case Traffic.Tcp:
                    await TalkAsync(pair, ends);
                    break;
                case Traffic.WebSocket:
                    await ChatAsync(pair, reached);
                    break;
                case Traffic.Grpc:
                    using (var channel = GrpcChannel.ForAddress(pair.OutboundUri))
                    {
                        using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(GrpcEcho.Server, null, default, "m");
                        await foreach (var _ in call.ResponseStream.ReadAllAsync()) reached.TrySetResult();
                    }
                    break;
                default:
                    await AskAsync(pair, traffic);
                    break;
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or RpcException or WebSocketException or InvalidOperationException)
        {
            // Cut, which is what it is told.
        }
    }

    private static async Task AskAsync(SidecarPair pair, Traffic traffic)
    {
        var at = traffic switch
        {
            Traffic.Gateway => new Uri($"https://{pair.CallerSnapshot.Gateways[0].Listen}/"),
            Traffic.ForwardProxy => new Uri("http://api.test/"),
            Traffic.Peer => new Uri("https://http.api/"),
            Traffic.Plaintext => new Uri($"http://{pair.Inbound}/"),
            _ => pair.OutboundUri,
        };
        using var handler = new SocketsHttpHandler
        {
            Proxy = traffic == Traffic.ForwardProxy ? new WebProxy($"http://{pair.CallerSnapshot.Egress!.Listen}") : null, UseProxy = traffic == Traffic.ForwardProxy,
            // The name in the hello is the URL's, which leads nowhere.
            ConnectCallback = traffic != Traffic.Peer ? null : async (_, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(pair.Inbound, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true, ClientCertificates = traffic == Traffic.Peer ? [pair.Certificates.Svid("web")] : null },
        };
        using var client = new HttpClient(handler) { BaseAddress = at, Timeout = Timeout.InfiniteTimeSpan };
        using var request = new HttpRequestMessage(traffic == Traffic.Upload ? HttpMethod.Put : HttpMethod.Get, "/")
        {
            Version = traffic == Traffic.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = traffic == Traffic.Upload ? new ByteArrayContent(new byte[100_000]) : null,
        };
        using var response = await client.SendAsync(request);
    }

    /// <summary>Who has no identity is let through to requests only by an audit.</summary>
    private static MeshSnapshot TakingPlaintext(MeshSnapshot callee) =>
        callee with { Mtls = MtlsMode.Permissive, Inbound = callee.Inbound with { Endpoints = [callee.Inbound.Endpoints[0] with { AuditOnly = true }] } };

    private static GatewayListener Gateway()
    {
        using var certificate = new TestCertificates().Issue(new SvidShape { DnsNames = ["localhost"] });
        return new GatewayListener
        {
            Name = "public", Listen = $"127.0.0.1:{FreePort.Next()}", CertificatePem = certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(),
            Routes = [new RouteSnapshot { Name = "default", Clusters = [new ClusterWeight("api.http", 1)] }],
        };
    }

    private static EgressListener ForwardProxy() => new()
    {
        Listen = $"127.0.0.1:{FreePort.Next()}",
        Destinations = [new EgressDestination { Host = "api.test", Port = 80, Listener = "api.http", Cluster = "api.http" }],
    };

    private static async Task TalkAsync(SidecarPair pair, bool ends)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(pair.Outbound);
        var stream = client.GetStream();
        await stream.WriteAsync("hello"u8.ToArray());
        // A black hole ends in order with its opener: this one waits for an answer.
        if (ends) client.Client.Shutdown(SocketShutdown.Send);
        await stream.CopyToAsync(Stream.Null);
    }

    private static async Task ChatAsync(SidecarPair pair, TaskCompletionSource reached)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(pair.OutboundUri) { Scheme = "ws" }.Uri, CancellationToken.None);
        var buffer = new byte[100];
        for (WebSocketReceiveResult? got = null; got?.MessageType != WebSocketMessageType.Close; got = await socket.ReceiveAsync(buffer, CancellationToken.None))
        {
            if (got is not null) reached.TrySetResult();
            await socket.SendAsync(buffer.AsMemory(0, 1), WebSocketMessageType.Binary, true, CancellationToken.None);
        }
    }

    private sealed record HeldRequest(SidecarPair Pair, MeshSidecar Holder, FakeTimeProvider Time, Task Calling, TestApp? App, TcpApp? Tcp) : IAsyncDisposable
    {
        public Task CallerIsToldAsync() => Calling.WaitAsync(FaultPair.Patience);

        public async ValueTask DisposeAsync()
        {
            await Pair.DisposeAsync();
            if (App is not null) await App.DisposeAsync();
            if (Tcp is not null) await Tcp.DisposeAsync();
        }
    }
}
