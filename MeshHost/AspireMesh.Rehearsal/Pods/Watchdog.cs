using System.Diagnostics;
using System.Globalization;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>
/// A shell that waits for this process to end, however it ends, and then removes what is left of its rehearsal: processes, namespaces, bridge, files. It hears of the
/// end by its standard input, which the system closes for a process that was killed as well. Where the shell was killed too, the next rehearsal does the same.
/// </summary>
internal sealed class Watchdog : IAsyncDisposable
{
    /// <summary>Before the process id of whose folder it is.</summary>
    public const string FolderPrefix = "aspiremesh-rehearsal-";

    // Processes first: a namespace with a process in it lives on without a name. What starts while this runs is found in the next round. The kernel takes a namespace apart
    // when it likes; the ends of its links that lie outside are taken away at once.
    private const string Script = """
        cat > /dev/null
        command -v ip > /dev/null && for ns in $(ip netns list | cut -d' ' -f1 | grep "^$0-"); do
          while pids=$(ip netns pids "$ns") && [ -n "$pids" ]; do kill -9 $pids; sleep 0.05; done
          ip netns del "$ns"
        done
        for pid in "$1"/*/*/pid; do [ -f "$pid" ] && kill -9 "-$(cat "$pid")"; done
        command -v ip > /dev/null && for link in $(ip -o link show type veth | cut -d: -f2 | cut -d@ -f1 | grep "^ $0o"); do ip link del "$link"; done
        command -v ip > /dev/null && ip link del "$0"
        rm -rf "$1"
        """;

    private readonly Process _shell;

    private Watchdog(Process shell) => _shell = shell;

    /// <summary>Starts it.</summary>
    /// <param name="mark">The bridge's name, which the namespaces begin with.</param>
    /// <param name="folder">The rehearsal's folder.</param>
    public static Watchdog Start(string mark, string folder) => new(Run(mark, folder));

    /// <summary>Removes what killed rehearsals left.</summary>
    /// <param name="prefix">What the names of bridges and namespaces begin with; a process id follows.</param>
    public static async Task RemoveLeftoversAsync(string prefix)
    {
        var (_, namespaces) = await Shell.TryAsync("ip", "netns", "list");
        var (_, links) = await Shell.TryAsync("ip", "-o", "link", "show", "type", "bridge");
        var names = namespaces.Split('\n').Concat(links.Split('\n').Select(l => l.Split(": ").ElementAtOrDefault(1) ?? "")).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..]);
        var folders = Directory.GetDirectories(Path.GetTempPath(), $"{FolderPrefix}*").ToLookup(f => Pid(Path.GetFileName(f)[FolderPrefix.Length..]));
        foreach (var pid in names.Select(Pid).Concat(folders.Select(f => f.Key)).OfType<int>().Distinct().Where(IsDead))
        {
            foreach (var folder in folders[pid].DefaultIfEmpty("/nonexistent"))
            {
                await using var tidying = Start($"{prefix}{pid}", folder);
            }
        }
    }

    /// <summary>Lets it end: it finds nothing where the rehearsal has tidied up after itself.</summary>
    public async ValueTask DisposeAsync()
    {
        _shell.StandardInput.Close();
        await _shell.WaitForExitAsync();
        _shell.Dispose();
    }

    private static Process Run(string mark, string folder)
    {
        // A session of its own, or Ctrl+C would end it before the rehearsal.
        var info = new ProcessStartInfo("setsid", ["sh", "-c", $"exec 2> /dev/null\n{Script}", mark, folder]) { RedirectStandardInput = true, WorkingDirectory = "/" };
        return Process.Start(info)!;
    }

    private static int? Pid(string text) => int.TryParse(new string([.. text.TakeWhile(char.IsAsciiDigit)]), CultureInfo.InvariantCulture, out var pid) ? pid : null;

    private static bool IsDead(int pid) => !Directory.Exists($"/proc/{pid}");
}
