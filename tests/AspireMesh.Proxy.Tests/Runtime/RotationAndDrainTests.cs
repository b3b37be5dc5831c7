using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Proxy.Tests.Pairs;

namespace AspireMesh.Proxy.Tests.Runtime;

public class RotationAndDrainTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Open_connections_live_through_new_svids_on_both_ends()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        using var before = await ConnectAsync(pair);
        await EchoAsync(before);
        pair.CallerSvids.Replace(pair.Certificates.Svid("web"));
        pair.CalleeSvids.Replace(pair.Certificates.Svid("api"));
        await EchoAsync(before);
        using var after = await ConnectAsync(pair);
        await EchoAsync(after);
        Assert.Equal(2, pair.CalleeEvents.Handshakes);
    }

    [Fact]
    public async Task After_a_change_of_roots_only_the_new_ones_are_trusted()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        var next = new TestKit.TestCertificates();
        await pair.ApplyCalleeAsync(pair.CalleeSnapshot with { TrustBundle = [next.RootPem] });
        Assert.False(await IsServedAsync(pair));
        await pair.ApplyCallerAsync(pair.CallerSnapshot with { TrustBundle = [next.RootPem, pair.Certificates.RootPem] });
        pair.CallerSvids.Replace(next.Svid("web"));
        using var served = await ConnectAsync(pair);
        Assert.True(await IsServedAsync(served));
    }

    [Fact]
    public async Task A_stopping_sidecar_finishes_what_runs_and_takes_nothing_new()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        using var running = await ConnectAsync(pair);
        await EchoAsync(running);
        var stopping = pair.Callee.StopAsync(default);
        await EchoAsync(running);
        Assert.False(await IsServedAsync(pair));
        var stream = running.GetStream();
        running.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
        await stopping.WaitAsync(Patience);
    }

    [Fact]
    public async Task What_does_not_finish_is_cut_when_the_stop_is_out_of_patience()
    {
        await using var app = Echo();
        await using var pair = await PairAsync(app);
        using var running = await ConnectAsync(pair);
        await EchoAsync(running);
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await pair.Callee.StopAsync(now.Token).WaitAsync(Patience);
        Assert.False(await IsServedAsync(running));
    }

    private static TcpApp Echo() => TcpApp.Start(static s => s.CopyToAsync(s));

    private static Task<SidecarPair> PairAsync(TcpApp app) => SidecarPair.StartAsync(new SidecarPairOptions { Protocol = AppProtocol.Tcp, App = app.Address });

    private static async Task<TcpClient> ConnectAsync(SidecarPair pair)
    {
        var client = new TcpClient();
        await client.ConnectAsync(pair.Outbound);
        return client;
    }

    private static async Task EchoAsync(TcpClient client) => Assert.True(await IsServedAsync(client));

    /// <summary>A new connection: where it is refused, the reset may come as early as in the connect.</summary>
    private static async Task<bool> IsServedAsync(SidecarPair pair)
    {
        try
        {
            using var client = await ConnectAsync(pair);
            return await IsServedAsync(client);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<bool> IsServedAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync(new byte[] { 42 });
            return await client.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Patience) == 1;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // Broken, or reset before a stream could be made of it.
            return false;
        }
    }
}
