using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AspireMesh.Protocol.Model;
using AspireMesh.TestKit;

namespace AspireMesh.Benchmarks.Rotation;

/// <summary>
/// A thousand requests a second while everything about identity changes: leaf certificates every few seconds, the root twice, the control plane killed
/// and brought back, permissive, strict and back. First with retries off, then with the defaults; then a sidecar is killed and started again.
/// <c>--seconds N</c> says how long in all (600), <c>--report FILE</c> where the Markdown goes (artifacts/rotation.md).
/// </summary>
internal static class RotationBenchmark
{
    private const int PerSecond = 1000;
    private static readonly TimeSpan SvidLifetime = TimeSpan.FromSeconds(10);
    // Well below half of an SVID's life: without a control plane for longer than that, identities end, as they must.
    private static readonly TimeSpan Absence = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string[] args)
    {
        var seconds = double.Parse(Argument(args, "--seconds") ?? "600", CultureInfo.InvariantCulture);
        var rows = new List<RotationRow>();
        foreach (var retries in new[] { false, true })
        {
            rows.Add(await ChangesAsync(retries, TimeSpan.FromSeconds(seconds / 2)));
            Console.Error.WriteLine(rows[^1]);
        }
        var kills = new List<KillRow>();
        foreach (var retries in new[] { false, true }) kills.Add(await KillAsync(retries));
        var report = Report(rows, kills);
        var file = Argument(args, "--report") ?? Path.Combine("artifacts", "rotation.md");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        await File.WriteAllTextAsync(file, report);
        Console.WriteLine(args.Contains("--json") ? JsonSerializer.Serialize(new { rows, kills }, JsonSerializerOptions.Web) : report);
        return rows.All(r => r.Failed == 0) ? 0 : 1;
    }

    private static async Task<RotationRow> ChangesAsync(bool retries, TimeSpan length)
    {
        await using var mesh = await RotationMesh.StartAsync(retries, SvidLifetime);
        var load = await PacedLoad.StartAsync(mesh.Front, PerSecond);
        using var ended = new CancellationTokenSource();
        var leaves = CountLeavesAsync(mesh, ended.Token);
        var started = Stopwatch.GetTimestamp();
        // Five steps, spread evenly; each takes as long as it takes.
        Func<Task>[] steps =
        [
            () => mesh.SetMtlsAsync(MtlsMode.Permissive),
            () => mesh.Admin.RotateRootAsync(CancellationToken.None),
            () => mesh.ReplaceControlAsync(Absence),
            () => mesh.SetMtlsAsync(MtlsMode.Strict),
            () => mesh.Admin.RotateRootAsync(CancellationToken.None),
        ];
        for (var i = 0; i < steps.Length; i++)
        {
            await UntilAsync(started, length * ((i + 1) / (steps.Length + 1.0)));
            await steps[i]();
        }
        await UntilAsync(started, length);
        var report = await load.StopAsync();
        await ended.CancelAsync();
        await mesh.HealthyAsync();
        var attempts = await AttemptsAsync(mesh, report.Sent);
        return new RotationRow(retries, report.Seconds, report.Rate, report.Sent, report.Late, report.Failed, attempts, mesh.Arrivals, await leaves, 2, report.P50Ms, report.P99Ms, report.MaxMs, report.Failures);
    }

    private static async Task<KillRow> KillAsync(bool retries)
    {
        await using var mesh = await RotationMesh.StartAsync(retries, TimeSpan.FromHours(1));
        var load = await PacedLoad.StartAsync(mesh.Front, PerSecond);
        await AnswersAsync(load, PerSecond);
        var killed = Stopwatch.GetTimestamp();
        await mesh.KillSidecarAsync("api");
        await mesh.StartSidecarAsync("api");
        var ready = Stopwatch.GetElapsedTime(killed).TotalMilliseconds;
        await AnswersAsync(load, 1);
        var back = Stopwatch.GetElapsedTime(killed).TotalMilliseconds;
        await AnswersAsync(load, PerSecond);
        var report = await load.StopAsync();
        return new KillRow(retries, ready, back, report.Sent, report.Failed, report.Failures.FirstOrDefault() ?? "");
    }

    // Ends of SVIDs are reported by the second; every one that was not seen before is another leaf.
    private static async Task<int> CountLeavesAsync(RotationMesh mesh, CancellationToken cancellationToken)
    {
        var seen = new HashSet<(string, DateTimeOffset?)>();
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        try
        {
            while (await look.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    foreach (var row in (await mesh.Admin.GetStatusAsync(cancellationToken)).Workloads) seen.Add((row.Name, row.SvidExpires));
                }
                catch (Exception e) when (e is Protocol.Diagnostics.MeshValidationException or ObjectDisposedException)
                {
                    // The control plane has been killed and is not back yet.
                    continue;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The load has ended.
        }
        return seen.Count;
    }

    private static async Task<long> AttemptsAsync(RotationMesh mesh, long requests)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (true)
        {
            var row = (await mesh.Admin.GetStatAsync(CancellationToken.None))[0];
            if (row.Requests >= requests || limit.IsCancellationRequested) return row.Attempts;
            await look.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static async Task AnswersAsync(PacedLoad load, long more)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var enough = load.Answered + more; load.Answered < enough;) await look.WaitForNextTickAsync();
    }

    private static async Task UntilAsync(long started, TimeSpan at)
    {
        var left = at - Stopwatch.GetElapsedTime(started);
        if (left > TimeSpan.Zero) await Task.Delay(left);
    }

    private static string? Argument(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;

    private static string Report(IEnumerable<RotationRow> rows, IEnumerable<KillRow> kills)
    {
        var text = new StringBuilder();
        text.AppendLine("# Identity changes under load").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"web → api, every part a process of its own. An open loop of {PerSecond} requests/s whose client never repeats one; SVIDs live {SvidLifetime.TotalSeconds:0} s. In each run: permissive, root replaced, control plane killed (SIGKILL) and started again, strict, root replaced.").AppendLine();
        text.AppendLine("| retries | s | requests/s | requests | failed | attempts | reached the app | leaves | roots replaced | p50 ms | p99 ms | max ms |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var r in rows)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {(r.Retries ? "defaults" : "off")} | {r.Seconds:0} | {r.Rate:0} | {r.Requests} | {r.Failed} | {r.Attempts} | {r.Arrivals} | {r.Leaves} | {r.Roots} | {r.P50Ms:0.0} | {r.P99Ms:0.0} | {r.MaxMs:0} |");
        }
        foreach (var failure in rows.SelectMany(r => r.Failures)) text.AppendLine().AppendLine(failure);
        text.AppendLine().AppendLine("The callee's sidecar is killed (SIGKILL) under the same load and started again at once.").AppendLine();
        text.AppendLine("| retries | ready again, ms | first answer, ms | requests | failed |").AppendLine("|---|---:|---:|---:|---:|");
        foreach (var k in kills) text.AppendLine(CultureInfo.InvariantCulture, $"| {(k.Retries ? "defaults" : "off")} | {k.ReadyMs:0} | {k.BackMs:0} | {k.Requests} | {k.Failed} |");
        return text.ToString();
    }
}
