using System.Globalization;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Tests.Running;

/// <summary>What others on the machine, and people at the dashboard, can see.</summary>
public class SecretsTests
{
    [Fact]
    public async Task No_command_line_no_environment_and_no_dashboard_row_holds_a_token_or_a_key()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Command lines and environments are read from /proc.");
        await using var mesh = new MeshApp(SidecarHosting.PerWorkload);
        mesh.Mesh.WithControlPlane(ControlPlaneHosting.OwnProcess);
        var back = mesh.Service("back");
        mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "mesh-control");
        var run = await mesh.App.Services.GetRequiredService<MeshAccess>().Run;

        var seen = Started().SelectMany(pid => new[] { Read(pid, "cmdline"), Read(pid, "environ") }).ToList();
        var model = mesh.App.Services.GetRequiredService<DistributedApplicationModel>();
        foreach (var resource in model.Resources)
        {
            if (!mesh.App.ResourceNotifications.TryGetCurrentState(resource.Name, out var current)) continue;
            seen.AddRange(current.Snapshot.Properties.Select(p => $"{p.Name}={p.Value}"));
            seen.AddRange(current.Snapshot.EnvironmentVariables.Select(v => $"{v.Name}={v.Value}"));
        }

        Assert.Contains(seen, text => text.Contains("aspiremesh-proxy", StringComparison.Ordinal));
        Assert.Contains(seen, text => text.Contains("serve", StringComparison.Ordinal));
        string[] secrets = ["aspiremesh1.", run.Token, "PRIVATE KEY"];
        Assert.DoesNotContain(seen, text => secrets.Any(s => text.Contains(s, StringComparison.Ordinal)));
    }

    /// <summary>What this process started. Aspire's orchestrator leaves the process tree, as a daemon does, and all that it starts with it: the run folder in their environment tells whose they are.</summary>
    private static IEnumerable<int> Started()
    {
        var runFolder = $"{RunFile.DirectoryVariable}={Environment.GetEnvironmentVariable(RunFile.DirectoryVariable)}";
        var marked = Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _)).Select(n => int.Parse(n!, CultureInfo.InvariantCulture)).Where(pid => Read(pid, "environ").Contains(runFolder, StringComparison.Ordinal));
        return Descendants(Environment.ProcessId).Union(marked);
    }

    private static List<int> Descendants(int root)
    {
        var parents = Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _))
            .Select(n => (Pid: int.Parse(n!, CultureInfo.InvariantCulture), Parent: ParentOf(n!))).ToArray();
        var found = new List<int> { root };
        for (var i = 0; i < found.Count; i++) found.AddRange(parents.Where(p => p.Parent == found[i]).Select(p => p.Pid));
        return found[1..];
    }

    private static int ParentOf(string pid)
    {
        try
        {
            // The name in brackets may hold anything, so what follows its end is counted.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return 0;
        }
    }

    private static string Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}").Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
