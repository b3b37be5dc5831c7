using System.Text.Json;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>
/// Client, caller's proxy, mutual TLS, callee's proxy, app: the same two hops by nginx, HAProxy, YARP alone and AspireMesh, in one run on one machine. Rounds go in turn
/// (A B C A B C …), so that a machine that drifts drifts for all; medians are reported.
/// </summary>
internal static class PairBenchmark
{
    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Option(args, "--rounds", 3);
        var seconds = Option(args, "--seconds", 4);
        var connections = Option(args, "--connections", 32);
        foreach (var tool in new[] { "wrk", "nginx", "haproxy" })
        {
            if (OnPath(tool)) continue;
            Console.Error.WriteLine($"{tool} is not on this machine: apt-get install {tool}");
            return 1;
        }
        var folder = Directory.CreateTempSubdirectory("aspiremesh-pair-").FullName;
        RivalPairs.WriteCertificates(folder);
        var rows = new Dictionary<string, List<PairRow>>();
        await using var app = RivalPairs.App(folder);
        await app.ReadyAsync();
        await using (var nginx = RivalPairs.Nginx(folder, app.Port))
        await using (var haproxy = RivalPairs.Haproxy(folder, app.Port))
        await using (var yarp = YarpHop.Start(folder, app.Port))
        await using (var mesh = await AspireMeshPair.StartAsync(folder, app.Port))
        {
            ProxyPair[] pairs = [nginx, haproxy, yarp, mesh];
            foreach (var pair in pairs)
            {
                await pair.ReadyAsync();
                await WrkLoad.RunAsync(pair.Port, connections, 2);
            }
            for (var round = 0; round < rounds; round++)
            {
                foreach (var pair in pairs)
                {
                    var row = await MeasureAsync(pair, connections, seconds);
                    if (!rows.TryGetValue(pair.Name, out var list)) rows[pair.Name] = list = [];
                    list.Add(row);
                }
            }
        }
        Directory.Delete(folder, recursive: true);
        Print([.. rows.Select(r => Median(r.Key, r.Value))], args.Contains("--json"));
        return 0;
    }

    private static async Task<PairRow> MeasureAsync(ProxyPair pair, int connections, int seconds)
    {
        var before = pair.CpuSeconds();
        var load = await WrkLoad.RunAsync(pair.Port, connections, seconds);
        return new PairRow
        {
            Pair = pair.Name,
            RequestsPerSecond = load.RequestsPerSecond,
            CpuSecondsPer1000 = (pair.CpuSeconds() - before) / load.Requests * 1000,
            P50Ms = load.P50Ms,
            P99Ms = load.P99Ms,
            RssMb = pair.ResidentMb(),
        };
    }

    private static PairRow Median(string name, List<PairRow> rows)
    {
        double Of(Func<PairRow, double> value) => rows.Select(value).Order().ElementAt(rows.Count / 2);
        return new PairRow
        {
            Pair = name,
            RequestsPerSecond = Math.Round(Of(r => r.RequestsPerSecond)),
            CpuSecondsPer1000 = Math.Round(Of(r => r.CpuSecondsPer1000), 4),
            P50Ms = Math.Round(Of(r => r.P50Ms), 3),
            P99Ms = Math.Round(Of(r => r.P99Ms), 3),
            RssMb = Math.Round(Of(r => r.RssMb), 1),
        };
    }

    private static void Print(IReadOnlyList<PairRow> rows, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { rows }, new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true }));
            return;
        }
        Console.WriteLine("pair          requests/s   x haproxy   CPU s/1000   x haproxy   p50 ms   p99 ms   RSS MB");
        var reference = rows.First(r => r.Pair == "haproxy-h2");
        foreach (var row in rows)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"{row.Pair,-12}{row.RequestsPerSecond,12:0}{row.RequestsPerSecond / reference.RequestsPerSecond,12:0.00}{row.CpuSecondsPer1000,13:0.0000}{row.CpuSecondsPer1000 / reference.CpuSecondsPer1000,12:0.00}{row.P50Ms,9:0.00}{row.P99Ms,9:0.00}{row.RssMb,9:0.0}"));
        }
    }

    private static int Option(string[] args, string name, int fallback)
    {
        var index = Array.IndexOf(args, name);
        return index >= 0 && index + 1 < args.Length && int.TryParse(args[index + 1], out var value) ? value : fallback;
    }

    private static bool OnPath(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin"]).Any(folder => File.Exists(Path.Combine(folder, tool)));
}
