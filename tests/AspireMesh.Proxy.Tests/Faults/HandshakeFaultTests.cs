using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>Wrong handshakes, refused by the peer's own validator for the very rule each of them breaks.</summary>
public class HandshakeFaultTests
{
    [Theory]
    [InlineData("expired-certificate", FaultSide.Outbound, "expired")]
    [InlineData("future-certificate", FaultSide.Outbound, "not valid before")]
    [InlineData("wrong-trust-domain", FaultSide.Outbound, "trust domain 'another.mesh'")]
    [InlineData("two-sans", FaultSide.Outbound, "2 URI SANs")]
    [InlineData("no-certificate", FaultSide.Outbound, "no certificate was presented")]
    [InlineData("downgrade", FaultSide.Outbound, "the TLS handshake failed")]
    [InlineData("clock-skew", FaultSide.Outbound, null)]
    [InlineData("expired-certificate", FaultSide.Inbound, "expired")]
    [InlineData("future-certificate", FaultSide.Inbound, "not valid before")]
    [InlineData("wrong-trust-domain", FaultSide.Inbound, "trust domain 'another.mesh'")]
    [InlineData("two-sans", FaultSide.Inbound, "2 URI SANs")]
    [InlineData("downgrade", FaultSide.Inbound, "the TLS handshake failed")]
    [InlineData("clock-skew", FaultSide.Inbound, "expired")]
    public async Task The_peer_refuses_it_and_traffic_flows_again_when_it_is_gone(string kind, FaultSide side, string? reason)
    {
        await using var pair = await HttpPair.StartAsync(static context => context.Response.WriteAsync("ok"));
        Assert.Equal(200, await StatusAsync(pair));
        var (caller, callee) = (pair.Pair.CallerSnapshot, pair.Pair.CalleeSnapshot);
        var rule = FaultPair.Rule(new Fault { Kind = kind, Delay = kind == FaultKinds.ClockSkew ? TimeSpan.FromDays(3) : TimeSpan.Zero }, side);
        if (side == FaultSide.Outbound) await pair.Pair.ApplyCallerAsync(caller with { Faults = [rule] });
        else await pair.Pair.ApplyCalleeAsync(callee with { Faults = [rule] });
        await RecordedEvents.EventuallyAsync<bool>(() => StatusAsync(pair).GetAwaiter().GetResult() is 502 or 503 ? true : null);
        if (reason is not null) Assert.Contains(reason, await ReasonAsync(pair, side, kind));
        Assert.Contains(rule.Id, (side == FaultSide.Outbound ? pair.Pair.CallerEvents : pair.Pair.CalleeEvents).Faults);
        if (side == FaultSide.Outbound) await pair.Pair.ApplyCallerAsync(caller);
        else await pair.Pair.ApplyCalleeAsync(callee);
        await RecordedEvents.EventuallyAsync<bool>(() => StatusAsync(pair).GetAwaiter().GetResult() == 200 ? true : null);
    }

    [Fact]
    public async Task Opaque_connections_that_are_open_go_on()
    {
        await using var app = TcpApp.Start(static async s =>
        {
            var buffer = new byte[10];
            int read;
            while ((read = await s.ReadAsync(buffer)) > 0) await s.WriteAsync(buffer.AsMemory(0, read));
        });
        await using var pair = await SidecarPair.StartAsync(new SidecarPairOptions { Protocol = Protocol.Model.AppProtocol.Tcp, App = app.Address });
        using var open = new System.Net.Sockets.TcpClient();
        await open.ConnectAsync(pair.Outbound, TestContext.Current.CancellationToken);
        await EchoAsync(open);
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { Faults = [FaultPair.Rule(new Fault { Kind = FaultKinds.ExpiredCertificate })] });
        await EchoAsync(open);
        using var next = new System.Net.Sockets.TcpClient();
        // Refused with a reset, which may come as early as in the connect.
        var error = await Record.ExceptionAsync(async () =>
        {
            await next.ConnectAsync(pair.Outbound, TestContext.Current.CancellationToken);
            await EchoAsync(next);
        });
        Assert.True(error is IOException or System.Net.Sockets.SocketException or InvalidOperationException, $"{error}");
        await pair.CalleeEvents.RefusalAsync(RefusalReason.Handshake);

        static async Task EchoAsync(System.Net.Sockets.TcpClient client)
        {
            await client.GetStream().WriteAsync("x"u8.ToArray());
            var one = new byte[1];
            await client.GetStream().ReadExactlyAsync(one).AsTask().WaitAsync(FaultPair.Patience);
        }
    }

    // A refused client certificate shows at the callee; a refused server certificate in the caller's own answer.
    private static async Task<string> ReasonAsync(HttpPair pair, FaultSide side, string kind) =>
        side == FaultSide.Outbound || kind == "clock-skew"
            ? (await pair.Pair.CalleeEvents.RefusalAsync(RefusalReason.Handshake)).Detail ?? ""
            : await RecordedEvents.EventuallyAsync(() => pair.Pair.CallerEvents.Requests.Where(r => r.Error is not null).Select(r => (KeyValuePair<string, int>?)new KeyValuePair<string, int>(r.Error!, 0)).LastOrDefault()) is var found ? found.Key : "";

    private static async Task<int> StatusAsync(HttpPair pair)
    {
        using var response = await pair.Client.GetAsync("/");
        return (int)response.StatusCode;
    }
}
