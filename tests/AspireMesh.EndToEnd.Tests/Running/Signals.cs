using System.Runtime.InteropServices;

namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>Signals that System.Diagnostics.Process cannot send.</summary>
internal static partial class Signals
{
    private const int Interrupt = 2;
    private const int KillNow = 9;
    private const int Terminate = 15;
    private const int Continue = 18;
    private const int Pause = 19;

    public static void SendInterrupt(int pid) => Send(pid, Interrupt);

    public static void SendKill(int pid) => Send(pid, KillNow);

    public static void SendTerminate(int pid) => Send(pid, Terminate);

    public static void SendStop(int pid) => Send(pid, Pause);

    public static void SendContinue(int pid) => Send(pid, Continue);

    private static void Send(int pid, int signal)
    {
        if (KillNative(pid, signal) != 0) throw new InvalidOperationException($"signal {signal} could not be sent to process {pid}: errno {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillNative(int pid, int signal);
}
