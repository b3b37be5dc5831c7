using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace AspireMesh.Simulator.Tests.SimulatorOnly;

/// <summary>The test AppHost as a process of its own.</summary>
internal sealed class AppHostProcess : IAsyncDisposable
{
    private readonly List<string> _lines = [];
    private readonly Process _process;
    private readonly TaskCompletionSource _runs = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AppHostProcess(params string[] args)
    {
        var path = typeof(AppHostProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == "TestAppHostPath").Value!;
        _process = new Process { StartInfo = new ProcessStartInfo("dotnet", [path, "--no-dashboard", .. args]) { RedirectStandardOutput = true, RedirectStandardError = true } };
        _process.OutputDataReceived += (_, e) => Note(e.Data);
        _process.ErrorDataReceived += (_, e) => Note(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public int ExitCode => _process.ExitCode;

    /// <summary>Waits until everything runs, and gives the processes that belong to the AppHost, grandchildren included.</summary>
    public async Task<IReadOnlyList<int>> ChildrenAsync()
    {
        await _runs.Task.WaitAsync(TestApp.Patience);
        lock (_lines)
        {
            var children = _lines.Where(l => l.StartsWith("pid of ", StringComparison.Ordinal)).Select(l => int.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).ToArray();
            return [.. children, .. children.SelectMany(ChildrenOf)];
        }
    }

    public void Kill() => _process.Kill();

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    public Task WaitForExitAsync() => _process.WaitForExitAsync(TestApp.Patience);

    /// <summary>Waits until none of the processes is there any more.</summary>
    public static async Task WaitUntilGoneAsync(IReadOnlyList<int> processes)
    {
        while (processes.Any(IsThere))
        {
            await Task.Delay(50, TestApp.Patience);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static IEnumerable<int> ChildrenOf(int pid)
    {
        var file = $"/proc/{pid}/task/{pid}/children";
        return File.Exists(file) ? File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse) : [];
    }

    private static bool IsThere(int pid)
    {
        try
        {
            // A process that has ended and was not yet collected is gone for our purposes.
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void Note(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Add(line);
        }

        if (line == "everything runs")
        {
            _runs.TrySetResult();
        }
    }
}
