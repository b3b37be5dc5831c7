using System.Globalization;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Processes;

namespace AspireMesh.Chaos.Tests;

/// <summary>Steps on the process of a resource that runs, and their undoing.</summary>
public class ProcessStepTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public Task Paused_its_clock_stands_still_and_then_goes_on() => OnSleeperAsync(ProcessAction.Pause, async (app, before, undo) =>
    {
        await UntilAsync(() => StateOf(before) == 'T', "the process stands still");
        await undo();
        await UntilAsync(() => StateOf(before) is 'S' or 'R', "the process goes on");
        Assert.Equal(before, PidOf(app));
    });

    [Fact]
    public Task Killed_it_is_gone_and_is_started_again() => OnSleeperAsync(ProcessAction.Kill, async (app, before, undo) =>
    {
        await UntilAsync(() => StateOf(before) is null or 'Z', "the process is gone");
        await undo();
        await UntilAsync(() => PidOf(app) is { } now && now != before && StateOf(now) is 'S' or 'R', "another process runs");
    });

    [Fact]
    public Task Restarted_it_is_another_process() => OnSleeperAsync(ProcessAction.Restart, async (app, before, undo) =>
    {
        await undo();
        await UntilAsync(() => StateOf(before) is null or 'Z' && PidOf(app) is { } now && now != before && StateOf(now) is 'S' or 'R', "another process runs");
    });

    private static async Task OnSleeperAsync(ProcessAction action, Func<DistributedApplication, int, Func<Task>, Task> then)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks at processes in /proc");
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = typeof(ProcessStepTests).Assembly.GetName().Name });
        builder.AddExecutable("sleeper", "/bin/sh", ".", "-c", "while :; do sleep 1; done");
        await using var app = builder.Build();
        using var limit = new CancellationTokenSource(Patience);
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceAsync("sleeper", KnownResourceStates.Running, limit.Token);
        await UntilAsync(() => PidOf(app) is not null, "its process is known");
        var before = PidOf(app)!.Value;
        var undo = await new AppSurroundings(app).ActAsync(new ProcessDocument { Action = action, Resource = "sleeper" }, limit.Token);
        await then(app, before, undo);
    }

    private static int? PidOf(DistributedApplication app)
    {
        var id = app.ResourceNotifications.TryGetCurrentState("sleeper", out var state) ? state : null;
        return id?.Snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value is { } pid && int.TryParse(Convert.ToString(pid, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
    }

    /// <summary>The letter that the kernel has for it; null where there is none.</summary>
    private static char? StateOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task UntilAsync(Func<bool> holds, string what)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!holds())
        {
            if (limit.IsCancellationRequested) Assert.Fail($"It never came to this: {what}.");
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
