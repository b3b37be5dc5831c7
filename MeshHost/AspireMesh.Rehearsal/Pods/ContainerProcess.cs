using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>What a container is on this machine.</summary>
/// <param name="Pod">Its pod.</param>
/// <param name="Name">Its name.</param>
/// <param name="Namespace">The pod's network namespace.</param>
/// <param name="Folder">A folder of its own, where its root file system is put together.</param>
/// <param name="Command">Program and arguments.</param>
/// <param name="WorkingDirectory">Where it starts.</param>
/// <param name="Environment">All of its variables.</param>
/// <param name="Mounts">What it sees where.</param>
/// <param name="Hosts">Its <c>/etc/hosts</c>.</param>
/// <param name="User">Its user; null for root.</param>
/// <param name="ReadOnly">Whether its root file system is read-only.</param>
/// <param name="Capabilities">Whether it keeps the capability to change the pod's network (an init container that redirects traffic).</param>
internal sealed record ContainerStart(
    string Pod, string Name, string Namespace, string Folder, IReadOnlyList<string> Command, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment,
    IReadOnlyList<(string From, string To, bool ReadOnly)> Mounts, string Hosts, long? User, bool ReadOnly, bool Capabilities);

/// <summary>
/// A container as a process: in its pod's network namespace, with a mount namespace of its own in which this machine's files are seen through a layer that takes what
/// it writes, its volumes where it mounts them, as the user it asks for and without privileges.
/// </summary>
internal sealed class ContainerProcess : IDisposable
{
    private readonly Process _process;

    private ContainerProcess(Process process) => _process = process;

    public Task<int> Exited { get; private set; } = Task.FromResult(0);

    public static ContainerProcess Start(ContainerStart start, Action<string> output)
    {
        Directory.CreateDirectory(start.Folder);
        var script = Path.Combine(start.Folder, "start.sh");
        File.WriteAllText(script, Script(start));
        // A session of its own: Ctrl+C is for the rehearsal, which then ends its pods in order.
        var info = new ProcessStartInfo("setsid", ["ip", "netns", "exec", start.Namespace, "unshare", "--mount", "--propagation", "private", "sh", script])
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
        container.Exited = container.RunAsync(output);
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

    private async Task<int> RunAsync(Action<string> output)
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput, output), ReadAsync(_process.StandardError, output), _process.WaitForExitAsync());
        return _process.ExitCode;
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> output)
    {
        while (await reader.ReadLineAsync() is { } line) output(line);
    }

    // Every step replaces the one before (exec), so that the process that is started is the container, and a signal reaches it.
    private static string Script(ContainerStart start)
    {
        var layer = Path.Combine(start.Folder, "layer");
        var root = Path.Combine(start.Folder, "root");
        var script = new StringBuilder("set -e\n");
        script.AppendLine(CultureInfo.InvariantCulture, $"mkdir -p {Quote(layer)} {Quote(root)}");
        // Memory below it: a layer cannot lie on the file system that it covers on every kernel.
        script.AppendLine(CultureInfo.InvariantCulture, $"mount -t tmpfs rehearsal {Quote(layer)} && mkdir {Quote(layer)}/upper {Quote(layer)}/work && chmod 755 {Quote(layer)}/upper");
        script.AppendLine(CultureInfo.InvariantCulture, $"mount -t overlay overlay -o lowerdir=/,upperdir={Quote(layer)}/upper,workdir={Quote(layer)}/work {Quote(root)}");
        script.AppendLine(CultureInfo.InvariantCulture, $"mount --rbind /proc {Quote(root)}/proc && mount --rbind /dev {Quote(root)}/dev");
        script.AppendLine(CultureInfo.InvariantCulture, $"cp {Quote(Path.Combine(start.Folder, "hosts"))} {Quote(root)}/etc/hosts");
        foreach (var (from, to, readOnly) in start.Mounts)
        {
            // Made and resolved inside: /var/run is a link to /run on most machines, and seen from outside it would lead out of the container.
            var make = File.Exists(from) ? "mkdir -p \"${0%/*}\" && touch \"$0\"" : "mkdir -p \"$0\"";
            script.AppendLine(CultureInfo.InvariantCulture, $"at={Quote(root)}$(chroot {Quote(root)} sh -c '{make} && readlink -f \"$0\"' {Quote(to)})");
            script.AppendLine(CultureInfo.InvariantCulture, $"mount --bind {Quote(from)} \"$at\"");
            if (readOnly) script.AppendLine("mount -o remount,bind,ro \"$at\"");
        }
        if (start.ReadOnly) script.AppendLine(CultureInfo.InvariantCulture, $"mount -o remount,ro {Quote(root)}");
        File.WriteAllText(Path.Combine(start.Folder, "hosts"), start.Hosts);
        var user = start.User is { } uid and not 0 ? $"--reuid={uid} --regid=0 --clear-groups " : "";
        var rights = start.Capabilities ? "" : "--no-new-privs --inh-caps=-all --bounding-set=-all ";
        var command = string.Join(' ', start.Command.Select(Quote));
        script.AppendLine(CultureInfo.InvariantCulture, $"exec chroot {Quote(root)} setpriv {user}{rights}sh -c 'cd \"$0\" && exec \"$@\"' {Quote(start.WorkingDirectory)} {command}");
        return script.ToString();
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
