using System.Diagnostics;

namespace AspireMesh.Simulator.Dashboard.Install;

/// <summary>Runs a tool to its end, without a terminal and without input.</summary>
internal sealed class ToolRun(string command, IReadOnlyList<string> arguments, string folder)
{
    /// <summary>How it ended.</summary>
    /// <param name="ExitCode">Zero when it went well.</param>
    /// <param name="LastLine">The last line it wrote that is not empty.</param>
    internal sealed record Result(int ExitCode, string LastLine);

    /// <summary>Variables added to those it inherits.</summary>
    internal Dictionary<string, string> Variables { get; } = new() { ["NO_COLOR"] = "1" };

    /// <summary>Whether a command of this name is on the PATH.</summary>
    internal static bool IsOnPath(string name) => Find(name) is not null;

    /// <summary>Starts it and waits; cancelling ends it and everything it started.</summary>
    internal async Task<Result> RunAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Find(command) ?? command, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in Variables)
        {
            start.Environment[name] = value;
        }

        var last = "";
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new Result(process.ExitCode, last);

        void Keep(string? line) => last = string.IsNullOrWhiteSpace(line) ? last : line.Trim();
    }

    private static string? Find(string name)
    {
        if (Path.IsPathRooted(name))
        {
            return File.Exists(name) ? name : null;
        }

        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.SelectMany(f => endings.Select(e => Path.Combine(f, name + e))).FirstOrDefault(File.Exists);
    }
}
