using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>Connects from inside a pod's network namespace, as the kubelet does for a port-forward: a socket belongs to the namespace of the thread that made it.</summary>
internal static partial class NamespaceSocket
{
    private const int NetworkNamespace = 0x40000000;

    /// <exception cref="SocketException">The namespace is gone, or nobody listens.</exception>
    public static async Task<Socket> ConnectAsync(string ns, IPEndPoint target, CancellationToken cancellationToken)
    {
        var socket = Create(ns);
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Socket Create(string ns)
    {
        Socket? made = null;
        Exception? failed = null;
        // A thread of its own, which ends in that namespace: no other work may ever run on it.
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{ns}");
                if (SetNamespace(handle, NetworkNamespace) != 0) throw new IOException($"namespace {ns}: error {Marshal.GetLastPInvokeError()}");
                made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            }
            catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
            {
                failed = e;
            }
        });
        thread.Start();
        thread.Join();
        return made ?? throw new IOException($"no socket in the pod's namespace: {failed?.Message}", failed);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle handle, int kind);
}
