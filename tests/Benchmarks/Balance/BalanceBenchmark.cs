using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using AspireMesh.Benchmarks.Pair;
using AspireMesh.Host;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Benchmarks.Balance;

/// <summary>
/// Three replicas over real sockets and mutual TLS, one of them ten times slower (tens of milliseconds, so that what a busy machine adds at p99 stays small beside them): the same load at a fixed rate through an edge of each algorithm at the same time,
/// so that whatever else the machine does happens to all of them.
/// </summary>
internal static class BalanceBenchmark
{
    private const int WarmUp = 2000;
    private static readonly ImmutableArray<int> Delays = [50, 50, 500];
    private static readonly ImmutableArray<LoadBalancingAlgorithm> Algorithms = [LoadBalancingAlgorithm.PeakEwma, LoadBalancingAlgorithm.LeastRequests, LoadBalancingAlgorithm.RoundRobin];

    public static async Task<int> RunAsync(string[] args)
    {
        var requests = args.SkipWhile(a => a != "--requests").Skip(1).Select(a => int.Parse(a, CultureInfo.InvariantCulture)).FirstOrDefault(3000);
        var folder = Directory.CreateTempSubdirectory("aspiremesh-balance-").FullName;
        var apps = await Task.WhenAll(Delays.Select(StartAppAsync));
        await using var control = new MeshControlPlane(new ControlPlaneOptions { Name = "bench", TrustDomain = "bench.mesh" });
        await control.StartAsync(CancellationToken.None);
        var listeners = Algorithms.ToDictionary(a => a, _ => FreePort.Next());
        control.ApplyModel(Model(listeners));
        for (var i = 0; i < apps.Length; i++)
        {
            foreach (var algorithm in Algorithms) control.SetAppAddress("api", $"api-{i}", Name(algorithm), apps[i].Address);
        }
        var processes = new[] { "web", "api-0", "api-1", "api-2" }.Select(name => StartSidecar(control, folder, name)).ToList();
        await using var pair = new ProxyPair("balance", listeners[Algorithms[0]], processes, () => ValueTask.CompletedTask);
        using var client = new HttpClient();
        foreach (var port in listeners.Values) await UntilItAnswersAsync(client, port);
        // What a process's first requests take is soon forgotten, but not at once: two decay times of the average.
        await Task.WhenAll(Algorithms.Select(a => MeasureAsync(client, a, listeners[a], WarmUp)));
        var rows = await Task.WhenAll(Algorithms.Select(a => MeasureAsync(client, a, listeners[a], requests)));
        Print(rows, args.Contains("--json"));
        foreach (var app in apps) await app.App.DisposeAsync();
        return 0;
    }

    private static string Name(LoadBalancingAlgorithm algorithm) => algorithm.ToString().ToLowerInvariant();

    private static MeshModel Model(Dictionary<LoadBalancingAlgorithm, int> listeners) => new()
    {
        Name = "bench",
        TrustDomain = "bench.mesh",
        Workloads =
        [
            new WorkloadModel { Name = "web", Sidecars = [Sidecar("web")] },
            new WorkloadModel { Name = "api", Endpoints = [.. Algorithms.Select(a => new EndpointModel { Name = Name(a) })], Sidecars = [.. Delays.Select((_, i) => Sidecar($"api-{i}"))] },
        ],
        Edges =
        [
            .. listeners.Select(l => new EdgeModel
            {
                From = "web", To = "api", Endpoint = Name(l.Key), Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{l.Value}"),
                Policies = new EdgePolicies { LoadBalancing = new LoadBalancingPolicy { Algorithm = l.Key } },
            }),
        ],
    };

    private static SidecarModel Sidecar(string name) => new() { Instance = name, Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" };

    private static Process StartSidecar(MeshControlPlane control, string folder, string name)
    {
        var file = Path.Combine(folder, $"{name}.bootstrap");
        File.WriteAllText(file, JsonSerializer.Serialize(control.CreateBootstrap(name), MeshJson.Default.SidecarBootstrap));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var (command, arguments) = ProxyCommand.Find();
        return ProxyPair.Start(command, new Dictionary<string, string> { [SidecarBootstrap.FileVariable] = file }, arguments);
    }

    private static async Task<(WebApplication App, string Address)> StartAppAsync(int milliseconds)
    {
        var port = FreePort.Next();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        app.Run(async c =>
        {
            await Task.Delay(milliseconds, c.RequestAborted);
            await c.Response.WriteAsync("ok");
        });
        await app.StartAsync();
        return (app, $"127.0.0.1:{port}");
    }

    private static async Task UntilItAnswersAsync(HttpClient client, int port)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync($"http://127.0.0.1:{port}/", patience.Token);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // The listener is not open yet.
                await Task.Delay(100, patience.Token);
            }
        }
    }

    /// <summary>100 requests a second, each sent at its time whatever became of those before.</summary>
    private static async Task<BalanceRow> MeasureAsync(HttpClient client, LoadBalancingAlgorithm algorithm, int port, int requests)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var running = new List<Task<double>>(requests);
        for (var i = 0; i < requests && await timer.WaitForNextTickAsync(); i++) running.Add(OneAsync(client, port));
        var times = await Task.WhenAll(running);
        Array.Sort(times);
        return new BalanceRow(Name(algorithm), requests, times[times.Length / 2], times[(int)(times.Length * 0.99)], times.Count(t => t >= Delays.Max()));
    }

    private static async Task<double> OneAsync(HttpClient client, int port)
    {
        var start = Stopwatch.GetTimestamp();
        using var answer = await client.GetAsync($"http://127.0.0.1:{port}/");
        answer.EnsureSuccessStatusCode();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Print(BalanceRow[] rows, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { rows }, JsonSerializerOptions.Web));
            return;
        }
        Console.WriteLine("algorithm      requests   p50 ms   p99 ms   to the slow one");
        foreach (var row in rows) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Algorithm,-14} {row.Requests,8} {row.P50Ms,8:0.0} {row.P99Ms,8:0.0} {row.Slow,17}"));
    }
}
