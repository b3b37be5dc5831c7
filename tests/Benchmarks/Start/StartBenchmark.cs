using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AspireMesh.Hosting;

namespace AspireMesh.Benchmarks.Start;

/// <summary>
/// Ten trivial services, each calling the next: from making the application to all of them healthy, without the mesh and with it in both ways of
/// hosting. Rounds go in turn, so that a machine that drifts drifts for all; medians are reported.
/// </summary>
internal static class StartBenchmark
{
    private const int Services = 10;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = args.SkipWhile(a => a != "--rounds").Skip(1).Select(a => int.Parse(a, CultureInfo.InvariantCulture)).FirstOrDefault(3);
        var (command, arguments) = ProxyCommand.Find();
        Environment.SetEnvironmentVariable("ASPIREMESH_PROXY", arguments is [var library] ? library : command);
        Environment.SetEnvironmentVariable("ASPIREMESH_RUN_DIR", Directory.CreateTempSubdirectory("aspiremesh-start-").FullName);
        (string Name, SidecarHosting? Hosting)[] cases = [("without mesh", null), ("shared", SidecarHosting.Shared), ("per workload", SidecarHosting.PerWorkload)];
        var times = cases.ToDictionary(c => c.Name, _ => new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (name, hosting) in cases) times[name].Add(await MeasureAsync(hosting));
        }
        var baseline = Median(times["without mesh"]);
        var rows = cases.Select(c => new StartRow(c.Name, Median(times[c.Name]), Median(times[c.Name]) / baseline)).ToList();
        Print(rows, args.Contains("--json"));
        return 0;
    }

    private static async Task<double> MeasureAsync(SidecarHosting? hosting)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var clock = Stopwatch.StartNew();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
        builder.Configuration["Logging:LogLevel:Default"] = "Warning";
        IResourceBuilder<ProjectResource>? previous = null;
        for (var i = 1; i <= Services; i++)
        {
            var service = builder.AddProject<Projects.AspireMesh_Hosting_TestApp>($"s{i}", launchProfileName: null).WithHttpEndpoint(name: "http").WithHttpHealthCheck("/health");
            if (previous is not null) service.WithReference(previous.GetEndpoint("http"));
            previous = service;
        }
        if (hosting is { } chosen) builder.AddServiceMesh(configure: o => o.SidecarHosting = chosen);
        await using var app = builder.Build();
        await app.StartAsync(patience.Token);
        await Task.WhenAll(Enumerable.Range(1, Services).Select(i => app.ResourceNotifications.WaitForResourceHealthyAsync($"s{i}", patience.Token)));
        var elapsed = clock.Elapsed.TotalSeconds;
        await app.StopAsync(patience.Token);
        return elapsed;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Print(List<StartRow> rows, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { rows }, JsonSerializerOptions.Web));
            return;
        }
        Console.WriteLine($"{"ten services",-14} {"seconds",8} {"ratio",6}");
        foreach (var row in rows) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Case,-14} {row.Seconds,8:F2} {row.Ratio,6:F2}"));
    }
}
