using System.Collections.Immutable;
using System.Net;
using System.Net.WebSockets;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AspireMesh.Proxy.Tests.Http;

public class HttpThroughPairTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("1.1", HttpProtocols.Http1, false)]
    [InlineData("1.1", HttpProtocols.Http1, true)]
    [InlineData("2.0", HttpProtocols.Http2, false)]
    [InlineData("2.0", HttpProtocols.Http2, true)]
    public async Task The_version_the_caller_spoke_is_the_version_the_app_hears(string version, HttpProtocols protocols, bool worksOnRequests)
    {
        await using var app = await TestApp.StartAsync(static c => c.Response.WriteAsync($"{c.Request.Protocol} {c.Request.Host} {c.Request.Path}"), protocols);
        await using var pair = await PairAsync(app, worksOnRequests);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(pair.OutboundUri, "a/b")) { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request).WaitAsync(Patience);
        Assert.Equal($"HTTP/{(version == "2.0" ? "2" : "1.1")} {pair.Outbound} /a/b", await response.Content.ReadAsStringAsync());
        Assert.True(pair.CalleeEvents.Handshakes > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_large_upload_passes_in_flat_memory(bool worksOnRequests)
    {
        const long Size = 1L << 30;
        await using var app = await TestApp.StartAsync(static async c =>
        {
            long total = 0;
            var buffer = new byte[64 * 1024];
            int read;
            while ((read = await c.Request.Body.ReadAsync(buffer)) > 0) total += read;
            await c.Response.WriteAsync(total.ToString(System.Globalization.CultureInfo.InvariantCulture));
        });
        await using var pair = await PairAsync(app, worksOnRequests);
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        using var content = new StreamContent(new Zeros(Size), 64 * 1024);
        using var response = await client.PostAsync(pair.OutboundUri, content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal($"{Size}", await response.Content.ReadAsStringAsync());
        Assert.True(GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes < 512L << 20, "the upload was held in memory");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_web_socket_is_carried_both_ways_and_closed_in_order(bool worksOnRequests)
    {
        await using var app = await TestApp.StartAsync(static async c =>
        {
            using var socket = await c.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            WebSocketReceiveResult got;
            while ((got = await socket.ReceiveAsync(buffer, default)).MessageType != WebSocketMessageType.Close) await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, default);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
        });
        await using var pair = await PairAsync(app, worksOnRequests);
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri($"ws://{pair.Outbound}/"), default).WaitAsync(Patience);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, default);
        var buffer = new byte[100];
        Assert.Equal(5, (await client.ReceiveAsync(buffer, default).WaitAsync(Patience)).Count);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", default).WaitAsync(Patience);
        Assert.Equal("bye", client.CloseStatusDescription);
    }

    [Fact]
    public async Task A_caller_that_goes_away_is_seen_by_the_app()
    {
        var gone = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(async c =>
        {
            c.RequestAborted.Register(gone.SetResult);
            arrived.SetResult();
            await gone.Task;
        });
        await using var pair = await PairAsync(app, worksOnRequests: true);
        using var client = new HttpClient();
        using var impatient = new CancellationTokenSource();
        var asking = client.GetAsync(pair.OutboundUri, impatient.Token);
        await arrived.Task.WaitAsync(Patience);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await gone.Task.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_caller_without_a_reference_is_answered_403(bool worksOnRequests)
    {
        await using var app = await TestApp.StartAsync(static c => c.Response.WriteAsync("never"));
        await using var pair = await PairAsync(app, worksOnRequests, [new AuthorizationRule { Name = "references", Callers = ["spiffe://test.mesh/ns/default/sa/other"] }]);
        using var client = new HttpClient();
        using var response = await client.GetAsync(pair.OutboundUri).WaitAsync(Patience);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        await pair.CalleeEvents.RefusalAsync(RefusalReason.Denied);
    }

    [Fact]
    public async Task Many_requests_at_once_share_a_few_handshakes_and_none_fails_while_snapshots_and_svids_change()
    {
        await using var app = await TestApp.StartAsync(static c => c.Response.WriteAsync("ok"));
        await using var pair = await PairAsync(app, worksOnRequests: false);
        using var client = new HttpClient();
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 8).Select(_ => CallAsync(client, pair.OutboundUri, stop.Token)).ToArray();
        for (var i = 0; i < 40; i++)
        {
            await pair.ApplyCallerAsync(pair.CallerSnapshot);
            await pair.ApplyCalleeAsync(pair.CalleeSnapshot);
            if (i % 10 != 0) continue;
            pair.CallerSvids.Replace(pair.Certificates.Svid("web"));
            pair.CalleeSvids.Replace(pair.Certificates.Svid("api"));
        }
        await stop.CancelAsync();
        var done = await Task.WhenAll(callers).WaitAsync(Patience);
        Assert.All(done, n => Assert.True(n > 0));
        Assert.InRange(pair.CalleeEvents.Handshakes, 1, 40);
    }

    private static async Task<int> CallAsync(HttpClient client, Uri uri, CancellationToken stop)
    {
        var done = 0;
        while (!stop.IsCancellationRequested || done == 0)
        {
            Assert.Equal("ok", await client.GetStringAsync(uri));
            done++;
        }
        return done;
    }

    private static Task<SidecarPair> PairAsync(TestApp app, bool worksOnRequests, ImmutableArray<AuthorizationRule> rules = default) =>
        SidecarPair.StartAsync(new SidecarPairOptions
        {
            App = app.Address,
            EditCallee = s => s with { Inbound = s.Inbound with { Endpoints = [Edited(s.Inbound.Endpoints[0], worksOnRequests, rules)] } },
        });

    private static InboundEndpoint Edited(InboundEndpoint endpoint, bool worksOnRequests, ImmutableArray<AuthorizationRule> rules) =>
        endpoint with { WorksOnRequests = worksOnRequests, Authorization = rules.IsDefault ? endpoint.Authorization : rules };

    /// <summary>So many zero bytes, without holding them.</summary>
    private sealed class Zeros(long length) : MemoryStream
    {
        private long _left = length;

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = (int)Math.Min(buffer.Length, _left);
            buffer.Span[..count].Clear();
            _left -= count;
            return ValueTask.FromResult(count);
        }
    }
}
