using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using AspireMesh.Host;
using AspireMesh.Protocol.Model;
using AspireMesh.TestKit;

namespace AspireMesh.Benchmarks.Footprint;

/// <summary>Five sidecars of a chain of workloads, idle: what each holds, and how long it took from its start to ready, its SVID included.</summary>
internal static class FootprintBenchmark
{
    private const int Sidecars = 5;

    public static async Task<int> RunAsync(string[] args)
    {
        var folder = Directory.CreateTempSubdirectory("aspiremesh-footprint-").FullName;
        await using var control = new MeshControlPlane(new ControlPlaneOptions { Name = "footprint", TrustDomain = "bench.mesh", RunDirectory = "" });
        await control.StartAsync(CancellationToken.None);
        var names = Enumerable.Range(1, Sidecars).Select(i => $"w{i}").ToArray();
        control.ApplyModel(Chain(names));
        foreach (var name in names) control.SetAppAddress(name, name, "http", $"127.0.0.1:{FreePort.Next()}");
        var rows = new List<FootprintRow>();
        var running = new List<MeasuredSidecar>();
        try
        {
            // One after the other: the time to ready is of a sidecar, not of five that share the processors.
            foreach (var name in names) running.Add(await MeasuredSidecar.StartAsync(control.CreateBootstrap(name), folder));
            // The first second has the report, the snapshot's compilation and its garbage in it.
            await Task.Delay(TimeSpan.FromSeconds(3));
            foreach (var sidecar in running) rows.Add(sidecar.Measure());
        }
        finally
        {
            foreach (var sidecar in running) await sidecar.DisposeAsync();
        }
        Directory.Delete(folder, recursive: true);
        Print(rows, args.Contains("--json"));
        return 0;
    }

    private static MeshModel Chain(string[] names) => new()
    {
        Name = "footprint",
        TrustDomain = "bench.mesh",
        Workloads = [.. names.Select(n => new WorkloadModel
        {
            Name = n,
            Endpoints = [new EndpointModel { Name = "http" }],
            Sidecars = [new SidecarModel { Instance = n, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" }],
        })],
        Edges = [.. names.Zip(names.Skip(1), (from, to) => new EdgeModel
        {
            From = from,
            To = to,
            Endpoint = "http",
            Listen = ImmutableDictionary<string, string>.Empty.Add(from, $"127.0.0.1:{FreePort.Next()}"),
        })],
    };

    private static void Print(List<FootprintRow> rows, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { rows }, JsonSerializerOptions.Web));
            return;
        }
        var (command, arguments) = ProxyCommand.Find();
        Console.WriteLine($"{string.Join(' ', [command, .. arguments])}, five idle on one control plane:");
        Console.WriteLine($"{"sidecar",-10} {"PSS MB",8} {"anonymous MB",14} {"RSS MB",8} {"ready ms",9}");
        foreach (var row in rows)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Sidecar,-10} {row.PssMb,8:F1} {row.AnonymousMb,14:F1} {row.RssMb,8:F1} {row.ReadyMs,9:F0}"));
        }
    }
}
