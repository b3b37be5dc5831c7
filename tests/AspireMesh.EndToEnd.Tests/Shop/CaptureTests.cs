using System.Diagnostics;
using System.Text;
using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>What a wire tap sees: on loopback, or between pods.</summary>
public abstract class CaptureTests(ShopFixture fixture)
{
    private const string Marker = "a-lamp-nobody-should-see";
    private const int LeastBytes = 1000;

    [Fact]
    public async Task An_inbound_port_carries_no_plaintext_while_the_app_side_of_the_same_call_does()
    {
        var tcpdump = Machine.NeedProgram("tcpdump", "tcpdump");
        Machine.NeedRoot("tcpdump on loopback needs root");
        var shop = await fixture.GetAsync();
        var status = await shop.StatusAsync();
        var inbound = Port(status.Workloads.First(w => w.Name.StartsWith("orders", StringComparison.Ordinal)).Inbound);
        var outbound = Port(status.Edges.First(e => e is { From: "frontend", To: "orders" }).Outbound);

        byte[] meshSide, appSide;
        await using (var mesh = await Capture.StartAsync([.. shop.Beside("orders"), tcpdump], inbound))
        await using (var app = await Capture.StartAsync([.. shop.Beside("frontend"), tcpdump], outbound))
        {
            using var client = new ShopClient(shop.Page);
            await client.PlaceAndFollowAsync(Marker, pieces: 1, price: 100);
            // tcpdump forgets what it has not read yet when it is told to end.
            await Eventually.TrueAsync(() => mesh.Length > LeastBytes && app.Length > LeastBytes, "both captures to show the order");
            meshSide = await mesh.StopAsync();
            appSide = await app.StopAsync();
        }

        var marker = Encoding.ASCII.GetBytes(Marker);
        Assert.True(appSide.AsSpan().IndexOf(marker) >= 0, "the capture of the outbound listener does not show the order: the capture does not work");
        Assert.True(meshSide.Length > LeastBytes, $"the capture of the inbound port has only {meshSide.Length} bytes");
        Assert.False(meshSide.AsSpan().IndexOf(marker) >= 0, "the order is readable on the inbound port");
        Assert.False(meshSide.AsSpan().IndexOf("HTTP/1.1"u8) >= 0, "HTTP is readable on the inbound port");
        Assert.False(meshSide.AsSpan().IndexOf("traceparent"u8) >= 0, "a header is readable on the inbound port");
    }

    private static int Port(string? address) => int.Parse(address!.Split(':')[^1]);

    private sealed class Capture(Process process, string file) : IAsyncDisposable
    {
        private bool stopped;

        public long Length => new FileInfo(file).Length;

        public static async Task<Capture> StartAsync(string[] tcpdump, int port)
        {
            var file = Path.Combine(Path.GetTempPath(), $"capture-{Guid.NewGuid():n}.pcap");
            var process = Process.Start(new ProcessStartInfo(tcpdump[0], [.. tcpdump[1..], "-i", "any", "-U", "--immediate-mode", "-Z", "root", "-s", "0", "-w", file, "port", port.ToString()]) { RedirectStandardError = true })!;
            var said = new StringBuilder();
            while (await process.StandardError.ReadLineAsync() is { } line)
            {
                if (line.Contains("listening on", StringComparison.Ordinal)) return new Capture(process, file);
                said.AppendLine(line);
            }

            throw new InvalidOperationException($"tcpdump did not start: {said}");
        }

        public async Task<byte[]> StopAsync()
        {
            stopped = true;
            Signals.SendTerminate(process.Id);
            await process.WaitForExitAsync();
            return await File.ReadAllBytesAsync(file);
        }

        public async ValueTask DisposeAsync()
        {
            if (!stopped) await StopAsync();
            File.Delete(file);
            process.Dispose();
        }
    }
}

/// <summary>The shop by its AppHost.</summary>
[Collection(SharedShopCollection.Name)]
public sealed class SharedCaptureTests(SharedShop fixture) : CaptureTests(fixture);

/// <summary>The shop by its chart.</summary>
[Collection(ShopRehearsalCollection.Name)]
public sealed class RehearsedCaptureTests(ShopRehearsal fixture) : CaptureTests(fixture);
