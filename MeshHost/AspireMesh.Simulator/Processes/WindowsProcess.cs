using System.ComponentModel;
using System.Diagnostics;

namespace AspireMesh.Simulator.Processes;

/// <summary>A child on Windows. It has no process group; what it started is found by its parents when it is ended.</summary>
internal sealed class WindowsProcess : ChildProcess
{
    private readonly Process _process;

    private WindowsProcess(Process process, Action<string, bool> onLine)
    {
        _process = process;
        Pid = process.Id;
        _ = FinishAsync(Task.WhenAll(
            ReadLinesAsync(process.StandardOutput.BaseStream, line => onLine(line, false)),
            ReadLinesAsync(process.StandardError.BaseStream, line => onLine(line, true))));
    }

    public override int Pid { get; }

    public override bool IsAnythingLeft => !_process.HasExited;

    public static WindowsProcess Start(ProcessSpec spec, Action<string, bool> onLine)
    {
        var info = new ProcessStartInfo(ProgramPath.Find(spec), spec.Arguments)
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            CreateNoWindow = true,
        };
        info.Environment.Clear();
        foreach (var (name, value) in spec.Environment)
        {
            info.Environment[name] = value;
        }

        try
        {
            return new WindowsProcess(Process.Start(info)!, onLine);
        }
        catch (Win32Exception exception)
        {
            throw new ProcessStartException($"'{spec.FileName}' could not be started: {exception.Message}");
        }
    }

    public override void Terminate() => Kill();

    public override void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    private async Task FinishAsync(Task output)
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        await output.ConfigureAwait(false);
        SetExited(_process.ExitCode);
    }
}
