using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AspireMesh.Host.Running;
using AspireMesh.Host.Tests;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Benchmarks.Control;

/// <summary>
/// A thousand workloads with five references each against one control plane (<c>aspiremesh serve</c>): real joins and streams over TLS, clients that only
/// acknowledge. The clients share the machine with it, so the time to the first snapshot is an upper bound.
/// </summary>
internal static class ControlBenchmark
{
    private const int References = 5;
    private const int Joining = 32;

    public static async Task<int> RunAsync(string[] args)
    {
        var rows = new List<ControlRow>();
        foreach (var count in new[] { 100, 300, 1000 }) rows.Add(await MeasureAsync(count));
        if (args.Contains("--json")) Console.WriteLine(JsonSerializer.Serialize(new { rows }, JsonSerializerOptions.Web));
        else Print(rows);
        return 0;
    }

    private static async Task<ControlRow> MeasureAsync(int count)
    {
        var folder = Directory.CreateTempSubdirectory("aspiremesh-control-").FullName;
        var sidecars = new FakeSidecar[count];
        using var serve = await StartAsync(folder, Model(count));
        try
        {
            using var admin = new MeshAdminClient(RunDirectory.Find(folder).Single());
            var before = serve.TotalProcessorTime.TotalSeconds;
            var started = Stopwatch.GetTimestamp();
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = Joining }, async (i, cancellationToken) =>
            {
                sidecars[i] = new FakeSidecar(await admin.CreateBootstrapAsync($"w{i}", cancellationToken));
                await sidecars[i].JoinAsync();
                await sidecars[i].WatchAsync();
                await sidecars[i].NextAsync();
            });
            var first = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var size = (long)sidecars.Average(s => s.LastUpdate!.Json.Length);
            serve.Refresh();
            var resident = serve.WorkingSet64 / 1024.0 / 1024.0;
            var cpu = serve.TotalProcessorTime.TotalSeconds - before;

            started = Stopwatch.GetTimestamp();
            await admin.SetAppHealthAsync(new AppHealthChange { Instance = "w7", Healthy = false }, CancellationToken.None);
            // Its callers; whoever else were told would show in the count below.
            await Task.WhenAll(Enumerable.Range(2, References).Select(i => sidecars[i].NextAsync()));
            var change = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            var told = sidecars.Where(s => s.LastUpdate!.Version > 1).ToArray();
            return new ControlRow(count, first, cpu, resident, size, told.Length, told.Sum(s => (long)s.LastUpdate!.Json.Length), change);
        }
        finally
        {
            serve.Kill();
            await serve.WaitForExitAsync();
            foreach (var sidecar in sidecars.Where(s => s is not null)) await sidecar.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Process> StartAsync(string folder, MeshModel model)
    {
        var file = Path.Combine(folder, "model.txt");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(model, AdminJson.Default.MeshModel));
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (var arg in new[] { Path.Combine(AppContext.BaseDirectory, "aspiremesh.dll"), "serve", "--model", file }) start.ArgumentList.Add(arg);
        start.Environment[RunFile.DirectoryVariable] = folder;
        var process = Process.Start(start)!;
        await process.StandardOutput.ReadLineAsync();
        return process;
    }

    // Each on a machine of its own, as in a cluster: ports may repeat.
    private static MeshModel Model(int count) => new()
    {
        Name = "control",
        TrustDomain = "bench.mesh",
        Workloads = [.. Enumerable.Range(0, count).Select(i => new WorkloadModel
        {
            Name = $"w{i}",
            Endpoints = [new EndpointModel { Name = "http" }],
            Sidecars = [new SidecarModel { Instance = $"w{i}", Inbound = $"10.0.{i / 250}.{(i % 250) + 1}:15006", Admin = "127.0.0.1:15000" }],
        })],
        Edges = [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Range(1, References).Select(r => new EdgeModel
        {
            From = $"w{i}",
            To = $"w{(i + r) % count}",
            Endpoint = "http",
            Listen = ImmutableDictionary<string, string>.Empty.Add($"w{i}", $"127.0.0.1:{20000 + r}"),
        }))],
    };

    private static void Print(IEnumerable<ControlRow> rows)
    {
        Console.WriteLine("| workloads | first snapshot for all, s | of the control plane's CPU, s | resident MB | bytes per snapshot | told of one change | bytes for it | ms to the last |");
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var r in rows)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {r.Workloads} | {r.FirstSnapshotSeconds:0.0} | {r.CpuSeconds:0.0} | {r.ResidentMb:0} | {r.SnapshotBytes} | {r.ChangedSidecars} | {r.ChangeBytes} | {r.ChangeMs:0} |"));
        }
    }
}
