using System.Diagnostics;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>Runs the machine's own tools to the end.</summary>
internal static class Shell
{
    /// <summary>Runs a program; what it wrote where it failed.</summary>
    /// <exception cref="InvalidOperationException">It failed; carries what it wrote.</exception>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        var (code, text) = await TryAsync(program, arguments);
        if (code != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed ({code}): {text.Trim()}");
    }

    /// <summary>Runs a program; its exit code and what it wrote. A program that is not there gives 127, as a shell does.</summary>
    public static async Task<(int Code, string Text)> TryAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await error);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (127, e.Message);
        }
    }
}
