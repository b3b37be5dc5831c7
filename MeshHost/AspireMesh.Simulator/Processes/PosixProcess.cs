using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;

namespace AspireMesh.Simulator.Processes;

/// <summary>A child on Linux or macOS; it leads a process group, so that all it started can be ended with it.</summary>
internal sealed class PosixProcess : ChildProcess
{
    private readonly Task _output;

    private PosixProcess(int pid, Stream output, Stream error, Action<string, bool> onLine)
    {
        Pid = pid;
        _output = Task.WhenAll(ReadLinesAsync(output, line => onLine(line, false)), ReadLinesAsync(error, line => onLine(line, true)));
        new Thread(Wait, 256 * 1024) { IsBackground = true, Name = $"wait {pid}" }.Start();
    }

    public override int Pid { get; }

    public override bool IsAnythingLeft => LibC.Kill(-Pid, 0) == 0;

    public static PosixProcess Start(ProcessSpec spec, Action<string, bool> onLine)
    {
        var program = ProgramPath.Find(spec);
        var output = LibC.OpenPipe();
        var error = LibC.OpenPipe();
        int pid;
        try
        {
            pid = PosixSpawn.Start(program, spec, null, output.Write, error.Write);
        }
        catch (ProcessStartException)
        {
            _ = LibC.Close(output.Read);
            _ = LibC.Close(error.Read);
            throw;
        }
        finally
        {
            _ = LibC.Close(output.Write);
            _ = LibC.Close(error.Write);
        }

        return new PosixProcess(pid, Reader(output.Read), Reader(error.Read), onLine);
    }

    public override void Terminate() => _ = LibC.Kill(-Pid, LibC.SigTerm);

    public override void Kill() => _ = LibC.Kill(-Pid, LibC.SigKill);

    private static AnonymousPipeClientStream Reader(int descriptor) => new(PipeDirection.In, new SafePipeHandle(descriptor, ownsHandle: true));

    private void Wait()
    {
        const int interrupted = 4;
        int status;
        while (LibC.Wait(Pid, out status, 0) < 0)
        {
            if (System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != interrupted)
            {
                break;
            }
        }

        var signal = status & 0x7f;
        _ = FinishAsync(signal == 0 ? (status >> 8) & 0xff : 128 + signal);
    }

    private async Task FinishAsync(int exitCode)
    {
        // A grandchild may keep the output open: what the process itself wrote is there within moments.
        await Task.WhenAny(_output, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System)).ConfigureAwait(false);
        SetExited(exitCode);
    }
}
