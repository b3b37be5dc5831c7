using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AspireMesh.Host.Running;
using AspireMesh.Hosting;
using AspireMesh.Protocol.Admin;
using AspireMesh.TestKit;

namespace AspireMesh.Benchmarks.Rotation;

/// <summary>
/// A running AppHost with a process per sidecar; the callee's sidecar is killed (SIGKILL) under load, and the host brings it back. Where the time goes is told by
/// what the host says of the resource and by what the control plane knows. <c>--rounds N</c> (5), <c>--replicas N</c> of the callee (1).
/// </summary>
internal static class KilledBenchmark
{
    private const int PerSecond = 200;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Number(args, "--rounds", 5);
        var (command, arguments) = ProxyCommand.Find();
        Environment.SetEnvironmentVariable("ASPIREMESH_PROXY", arguments is [var library] ? library : command);
        var folder = Directory.CreateTempSubdirectory("aspiremesh-killed-").FullName;
        Environment.SetEnvironmentVariable("ASPIREMESH_RUN_DIR", folder);
        var rows = await MeasureAsync(folder, rounds, Number(args, "--replicas", 1));
        if (args.Contains("--json")) Console.WriteLine(JsonSerializer.Serialize(new { rows }, JsonSerializerOptions.Web));
        else Print(rows);
        return 0;
    }

    private static async Task<List<KilledRow>> MeasureAsync(string folder, int rounds, int replicas)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
        builder.Configuration["Logging:LogLevel:Default"] = "Error";
        builder.Configuration["DcpPublisher:RandomizePorts"] = "true";
        var callee = builder.AddProject<Projects.AspireMesh_Hosting_TestApp>("callee", launchProfileName: null).WithHttpEndpoint(name: "http").WithHttpHealthCheck("/health").WithReplicas(replicas);
        builder.AddProject<Projects.AspireMesh_Hosting_TestApp>("caller", launchProfileName: null).WithHttpEndpoint(name: "http").WithReference(callee.GetEndpoint("http"));
        builder.AddServiceMesh(configure: o => o.SidecarHosting = SidecarHosting.PerWorkload);
        await using var app = builder.Build();
        await app.StartAsync(patience.Token);
        foreach (var name in new[] { "callee", "caller" }) await app.ResourceNotifications.WaitForResourceHealthyAsync(name, patience.Token);
        using var admin = new MeshAdminClient(RunDirectory.Find(folder).Single());
        var status = await HealthyAsync(admin, patience.Token);
        var sidecar = status.Workloads.First(w => w.Name.StartsWith("callee", StringComparison.Ordinal)).Name;
        var outbound = status.Edges.Single(e => e.From == "caller").Outbound!;
        var port = int.Parse(outbound[(outbound.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        var rows = new List<KilledRow>();
        for (var round = 0; round < rounds; round++) rows.Add(await KillAsync(app, admin, sidecar, port, patience.Token));
        await app.StopAsync(patience.Token);
        return rows;
    }

    private static async Task<KilledRow> KillAsync(DistributedApplication app, MeshAdminClient admin, string sidecar, int port, CancellationToken cancellationToken)
    {
        var load = await PacedLoad.StartAsync(port, PerSecond, "/sized");
        await MoreAsync(load, PerSecond, cancellationToken);
        var resource = $"{sidecar}-sidecar";
        var before = await PidAsync(app, resource, null, cancellationToken);
        var svid = (await admin.GetStatusAsync(cancellationToken)).Workloads.Single(w => w.Name == sidecar).SvidExpires;
        var killed = Stopwatch.GetTimestamp();
        double Since() => Stopwatch.GetElapsedTime(killed).TotalMilliseconds;
        Process.GetProcessById(before).Kill();
        var noticed = SeenAsync(app, resource, s => s is "Finished" or "Exited", Since, cancellationToken);
        var running = RunningAsync(app, resource, before, Since, cancellationToken);
        await Task.WhenAll(noticed, running);
        WorkloadStatus row;
        do row = (await admin.GetStatusAsync(cancellationToken)).Workloads.Single(w => w.Name == sidecar);
        while (!row.Healthy || row.SvidExpires == svid);
        var ready = Since();
        await MoreAsync(load, 1, cancellationToken);
        var back = Since();
        await MoreAsync(load, 2 * PerSecond, cancellationToken);
        var report = await load.StopAsync();
        return new KilledRow(await noticed, await running, ready, back, report.Sent, report.Failed, report.Failures.FirstOrDefault() ?? "");
    }

    private static async Task<double> SeenAsync(DistributedApplication app, string resource, Func<string?, bool> state, Func<double> since, CancellationToken cancellationToken)
    {
        await foreach (var change in app.ResourceNotifications.WatchAsync(cancellationToken))
        {
            if (change.Resource.Name == resource && state(change.Snapshot.State?.Text)) return since();
        }
        return double.NaN;
    }

    private static async Task<double> RunningAsync(DistributedApplication app, string resource, int before, Func<double> since, CancellationToken cancellationToken)
    {
        await PidAsync(app, resource, before, cancellationToken);
        return since();
    }

    private static async Task<int> PidAsync(DistributedApplication app, string resource, int? otherThan, CancellationToken cancellationToken)
    {
        await foreach (var change in app.ResourceNotifications.WatchAsync(cancellationToken))
        {
            if (change.Resource.Name == resource && change.Snapshot.State?.Text == "Running"
                && change.Snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value is { } pid && Convert.ToInt32(pid, CultureInfo.InvariantCulture) is var found && found != otherThan)
            {
                return found;
            }
        }
        throw new InvalidOperationException($"'{resource}' did not run");
    }

    private static async Task<MeshStatus> HealthyAsync(MeshAdminClient admin, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!(await admin.CheckAsync(cancellationToken)).Healthy) await look.WaitForNextTickAsync(cancellationToken);
        return await admin.GetStatusAsync(cancellationToken);
    }

    private static async Task MoreAsync(PacedLoad load, long more, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var enough = load.Answered + more; load.Answered < enough;) await look.WaitForNextTickAsync(cancellationToken);
    }

    private static int Number(string[] args, string name, int otherwise) => args.SkipWhile(a => a != name).Skip(1).Select(a => int.Parse(a, CultureInfo.InvariantCulture)).FirstOrDefault(otherwise);

    private static void Print(List<KilledRow> rows)
    {
        Console.WriteLine("| exit noticed, ms | new process, ms | SVID and snapshot, ms | next answer, ms | requests | failed |");
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|");
        foreach (var r in rows) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {r.NoticedMs:0} | {r.RunningMs:0} | {r.ReadyMs:0} | {r.BackMs:0} | {r.Requests} | {r.Failed} |"));
        if (rows.Select(r => r.Failure).FirstOrDefault(f => f.Length > 0) is { } first) Console.WriteLine($"{Environment.NewLine}The first failure: {first}");
    }
}

/// <summary>A sidecar that was killed in a running AppHost; times from the kill.</summary>
/// <param name="NoticedMs">The host says that it ended.</param>
/// <param name="RunningMs">The host says that another process runs.</param>
/// <param name="ReadyMs">The control plane knows its new SVID and its acknowledgement.</param>
/// <param name="BackMs">A request is answered after that.</param>
/// <param name="Requests">Requests sent by a client that repeats none.</param>
/// <param name="Failed">Of those, without the right answer.</param>
/// <param name="Failure">The first of them.</param>
internal sealed record KilledRow(double NoticedMs, double RunningMs, double ReadyMs, double BackMs, long Requests, long Failed, string Failure);
