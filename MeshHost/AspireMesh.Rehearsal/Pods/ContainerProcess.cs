using System.Diagnostics;
using System.Globalization;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>What a container is on this machine.</summary>
/// <param name="Pod">Its pod.</param>
/// <param name="Name">Its name.</param>
/// <param name="Folder">A folder of its own, which is there.</param>
/// <param name="Command">Program and arguments.</param>
/// <param name="WorkingDirectory">Where it starts.</param>
/// <param name="Environment">All of its variables.</param>
/// <param name="Mounts">What it sees where.</param>
/// <param name="Hosts">Its <c>/etc/hosts</c>.</param>
/// <param name="User">Its user; null for root.</param>
/// <param name="ReadOnly">Whether its root file system is read-only.</param>
/// <param name="Capabilities">Whether it keeps the capability to change the pod's network (an init container that redirects traffic).</param>
internal sealed record ContainerStart(
    string Pod, string Name, string Folder, IReadOnlyList<string> Command, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment,
    IReadOnlyList<(string From, string To, bool ReadOnly)> Mounts, string Hosts, long? User, bool ReadOnly, bool Capabilities);

/// <summary>A container as a process of this machine, with the container's environment and no other.</summary>
internal sealed class ContainerProcess : IDisposable
{
    /// <summary>The file in a container's folder with its process id, which is that of its session as well: whoever tidies up ends what is in it.</summary>
    public const string PidFile = "pid";

    private readonly Process _process;

    private ContainerProcess(Process process) => _process = process;

    public Task<int> Exited { get; private set; } = Task.FromResult(0);

    /// <summary>Runs a script that becomes the container.</summary>
    /// <param name="start">The container.</param>
    /// <param name="launch">What runs the script, the shell last.</param>
    /// <param name="script">The script.</param>
    /// <param name="output">Takes what it writes, line by line.</param>
    public static ContainerProcess Start(ContainerStart start, string[] launch, string script, Action<string> output)
    {
        var file = Path.Combine(start.Folder, "start.sh");
        File.WriteAllText(file, $"echo $$ > {Quote(Path.Combine(start.Folder, PidFile))}\n{script}");
        // A session of its own: Ctrl+C is for the rehearsal, which then ends its pods in order.
        var info = new ProcessStartInfo("setsid", [.. launch, file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        info.Environment.Clear();
        foreach (var (name, value) in start.Environment) info.Environment[name] = value;
        info.Environment.TryAdd("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        info.Environment.TryAdd("HOME", "/tmp");
        info.Environment.TryAdd("HOSTNAME", start.Pod);
        info.Environment.TryAdd("DOTNET_CLI_TELEMETRY_OPTOUT", "1");
        // Its debugger port would want to write to /tmp, which a read-only root does not take.
        info.Environment.TryAdd("DOTNET_EnableDiagnostics", "0");
        var process = Process.Start(info)!;
        process.StandardInput.Close();
        var container = new ContainerProcess(process);
        container.Exited = container.RunAsync(Path.Combine(start.Folder, PidFile), output);
        return container;
    }

    /// <summary>Asks it to end, and ends it after the grace period.</summary>
    public async Task StopAsync(TimeSpan grace, TimeProvider time)
    {
        if (!_process.HasExited) await Shell.TryAsync("kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture));
        await Task.WhenAny(Exited, Task.Delay(grace, time));
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await Exited;
    }

    public void Dispose() => _process.Dispose();

    /// <summary>Text as one word of a shell.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private async Task<int> RunAsync(string pidFile, Action<string> output)
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput, output), ReadAsync(_process.StandardError, output), _process.WaitForExitAsync());
        // The number may be another process's from now on.
        File.Delete(pidFile);
        return _process.ExitCode;
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> output)
    {
        while (await reader.ReadLineAsync() is { } line) output(line);
    }
}
