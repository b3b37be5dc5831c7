using System.Diagnostics;
using System.Globalization;
using AspireMesh.Chaos.Documents;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos.Running;

/// <summary>Keeps processors busy or holds memory, by processes of the shell that end by themselves after ten minutes, whatever becomes of the one that started them.</summary>
internal static class MachinePressure
{
    private const int LongestSeconds = 600;

    /// <summary>Starts it; null when the step is no pressure.</summary>
    public static Task<Func<Task>>? StartAsync(ProcessDocument step)
    {
        if (step.Action is not (ProcessAction.Cpu or ProcessAction.Memory)) return null;
        if (OperatingSystem.IsWindows()) throw new MeshValidationException([MeshDiagnostics.BadExperiment.Found($"The step {step.Action.ToString().ToLowerInvariant()} makes pressure by the programs of a Unix shell, which Windows does not have. Remove the step.")]);
        var started = new List<Process>();
        // tail keeps a line that does not end until it ends, and nobody reads what it would write then.
        string[] scripts = step.Action == ProcessAction.Cpu
            ? [.. Enumerable.Repeat(string.Create(CultureInfo.InvariantCulture, $"ulimit -t {LongestSeconds}; while :; do :; done"), step.Amount)]
            : [string.Create(CultureInfo.InvariantCulture, $"{{ head -c {step.Amount}m /dev/zero; sleep {LongestSeconds}; }} | tail -c {step.Amount}m | sleep {LongestSeconds}")];
        foreach (var script in scripts)
        {
            var start = new ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true };
            started.Add(Process.Start(start) ?? throw new InvalidOperationException("/bin/sh did not start"));
        }
        return Task.FromResult<Func<Task>>(async () =>
        {
            foreach (var process in started)
            {
                using (process)
                {
                    process.Kill(entireProcessTree: true);
                    await process.WaitForExitAsync().ConfigureAwait(false);
                }
            }
        });
    }
}
