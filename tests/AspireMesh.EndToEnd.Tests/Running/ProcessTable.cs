namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>Finds processes by an environment variable that every child inherits, whoever its parent is by then (Linux).</summary>
internal static class ProcessTable
{
    /// <summary>"pid command line" of every process whose environment has the variable.</summary>
    public static IReadOnlyList<(int Pid, string Command)> With(string variable, string value) => With(variable, v => v == value);

    /// <summary>The same for a variable whose value is not known whole.</summary>
    public static IReadOnlyList<(int Pid, string Command)> With(string variable, Predicate<string> value)
    {
        var mark = $"{variable}=";
        var found = new List<(int, string)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid) || pid == Environment.ProcessId) continue;
            try
            {
                if (!File.ReadAllText(Path.Combine(folder, "environ")).Split('\0').Any(v => v.StartsWith(mark, StringComparison.Ordinal) && value(v[mark.Length..]))) continue;
                var command = File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ').Trim();
                if (command.Length > 0) found.Add((pid, command));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended while it was looked at, or is somebody else's.
                continue;
            }
        }

        return found;
    }

    /// <summary>Whether a process has another among its ancestors.</summary>
    public static bool IsBelow(int pid, int ancestor)
    {
        while (pid > 1 && pid != ancestor)
        {
            try
            {
                // "pid (name) state parent …"; the name may hold anything, brackets too.
                var stat = File.ReadAllText($"/proc/{pid}/stat");
                pid = int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]);
            }
            catch (IOException)
            {
                return false;
            }
        }
        return pid == ancestor;
    }

    /// <summary>Whether it is there and no mere exit code.</summary>
    public static bool Runs(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
