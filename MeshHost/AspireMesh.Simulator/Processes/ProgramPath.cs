namespace AspireMesh.Simulator.Processes;

/// <summary>Finds a program as a shell would.</summary>
internal static class ProgramPath
{
    public static string Find(ProcessSpec spec)
    {
        if (!Directory.Exists(spec.WorkingDirectory))
        {
            throw new ProcessStartException($"The working directory '{spec.WorkingDirectory}' does not exist.");
        }

        if (spec.FileName.Contains('/') || spec.FileName.Contains(Path.DirectorySeparatorChar))
        {
            var path = Path.GetFullPath(spec.FileName, spec.WorkingDirectory);
            return Existing(path) ?? throw new ProcessStartException($"The program '{path}' does not exist.");
        }

        var folders = spec.Environment.GetValueOrDefault("PATH", "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => Existing(Path.Combine(folder, spec.FileName))).FirstOrDefault(found => found is not null)
            ?? throw new ProcessStartException($"The program '{spec.FileName}' was not found on PATH. Install it, or give its full path.");
    }

    private static string? Existing(string path)
    {
        string[] candidates = OperatingSystem.IsWindows() && Path.GetExtension(path).Length == 0 ? [path + ".exe", path + ".cmd", path + ".bat"] : [path];
        return Array.Find(candidates, File.Exists);
    }
}
