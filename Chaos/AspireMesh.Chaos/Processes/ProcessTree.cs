using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace AspireMesh.Chaos.Processes;

/// <summary>A resource's process with everything it started: a host may have put a launcher in front of the program that counts.</summary>
internal sealed class ProcessTree(int root)
{
    /// <summary>Ends all of it without a word.</summary>
    public void Kill()
    {
        try
        {
            using var process = Process.GetProcessById(root);
            process.Kill(entireProcessTree: true);
        }
        catch (ArgumentException)
        {
            // It has ended by itself, which is what was wanted.
            return;
        }
    }

    /// <summary>Stops its clock, parents first, so that nobody starts another child meanwhile.</summary>
    public Task PauseAsync() => SignalAsync("STOP", Members());

    /// <summary>Lets it go on.</summary>
    public Task ContinueAsync() => SignalAsync("CONT", [.. Members().Reverse()]);

    private int[] Members()
    {
        var found = new List<int> { root };
        if (!OperatingSystem.IsLinux()) return [.. found];
        var children = Parents().ToLookup(p => p.Parent, p => p.Pid);
        for (var i = 0; i < found.Count; i++) found.AddRange(children[found[i]]);
        return [.. found];
    }

    private static IEnumerable<(int Pid, int Parent)> Parents()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid)) continue;
            string stat;
            try
            {
                stat = File.ReadAllText(Path.Combine(folder, "stat"));
            }
            catch (IOException)
            {
                // It ended while it was looked at.
                continue;
            }
            // The name, in brackets, may itself have spaces and brackets; state and parent follow the last one.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            yield return (pid, int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
    }

    private static async Task SignalAsync(string signal, int[] pids)
    {
        using var kill = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"kill -{signal} {string.Join(' ', pids)}"]) { RedirectStandardError = true })
            ?? throw new Win32Exception("/bin/sh did not start");
        var error = await kill.StandardError.ReadToEndAsync().ConfigureAwait(false);
        await kill.WaitForExitAsync().ConfigureAwait(false);
        // One that ended meanwhile gets no signal; the others did.
        if (kill.ExitCode != 0 && !error.Contains("No such process", StringComparison.OrdinalIgnoreCase)) throw new InvalidOperationException($"kill -{signal} {string.Join(' ', pids)}: {error.Trim()}");
    }
}
