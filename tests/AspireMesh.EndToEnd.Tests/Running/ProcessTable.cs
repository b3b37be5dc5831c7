namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>Finds processes by an environment variable that every child inherits, whoever its parent is by then (Linux).</summary>
internal static class ProcessTable
{
    /// <summary>"pid command line" of every process whose environment has the variable.</summary>
    public static IReadOnlyList<(int Pid, string Command)> With(string variable, string value)
    {
        var mark = $"{variable}={value}";
        var found = new List<(int, string)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid) || pid == Environment.ProcessId) continue;
            try
            {
                if (!File.ReadAllText(Path.Combine(folder, "environ")).Split('\0').Contains(mark)) continue;
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
}
