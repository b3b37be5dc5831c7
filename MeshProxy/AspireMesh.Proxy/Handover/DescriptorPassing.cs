using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace AspireMesh.Proxy.Handover;

/// <summary>
/// Sends open sockets to another process over a Unix socket (SCM_RIGHTS, unix(7)). Each travels with one byte of data, so that what is received can be told
/// apart; both ends use blocking calls. .NET has no call for it.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static unsafe partial class DescriptorPassing
{
    private const int Rights = 1;
    // MSG_CMSG_CLOEXEC of Linux.
    private const int CloseOnExec = 0x40000000;
    private const int Marker = '>';

    /// <summary>Whether this system can.</summary>
    [UnsupportedOSPlatformGuard("windows")]
    public static bool IsSupported => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    private static int SocketLevel => OperatingSystem.IsMacOS() ? 0xffff : 1;

    // Linux counts and aligns the header's length by 8 bytes, macOS by 4.
    private static int HeaderSize => OperatingSystem.IsMacOS() ? 12 : 16;

    private static int ControlSize => OperatingSystem.IsMacOS() ? 16 : 24;

    /// <summary>Sends one socket; this process keeps its own.</summary>
    /// <exception cref="SocketException">The other end is gone.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static void Send(Socket channel, SafeSocketHandle socket)
    {
        var marker = (byte)Marker;
        var control = stackalloc byte[24];
        var held = false;
        try
        {
            // The number of a closed socket may be another file's by now, and would be passed on in its place.
            socket.DangerousAddRef(ref held);
            WriteHeader(control, socket.DangerousGetHandle().ToInt32());
            var part = new Part { Data = &marker, Length = 1 };
            if (Call(control, &part, (handle, message) => SendMessage(handle, message, 0), channel) != 1) throw new SocketException((int)SocketError.ConnectionReset);
        }
        finally
        {
            if (held) socket.DangerousRelease();
        }
    }

    /// <summary>Takes one socket.</summary>
    /// <exception cref="SocketException">The other end is gone.</exception>
    /// <exception cref="IOException">What came is no socket.</exception>
    public static Socket Receive(Socket channel)
    {
        byte marker = 0;
        var control = stackalloc byte[24];
        new Span<byte>(control, 24).Clear();
        var part = new Part { Data = &marker, Length = 1 };
        if (Call(control, &part, (handle, message) => ReceiveMessage(handle, message, OperatingSystem.IsLinux() ? CloseOnExec : 0), channel) != 1) throw new SocketException((int)SocketError.ConnectionReset);
        var type = *(int*)(control + HeaderSize - 4);
        if (marker != Marker || type != Rights) throw new IOException("the other process sent something else than a socket");
        return new Socket(new SafeSocketHandle(*(int*)(control + HeaderSize), ownsHandle: true));
    }

    private static void WriteHeader(byte* control, int descriptor)
    {
        if (OperatingSystem.IsMacOS()) *(int*)control = HeaderSize + sizeof(int);
        else *(long*)control = HeaderSize + sizeof(int);
        *(int*)(control + HeaderSize - 8) = SocketLevel;
        *(int*)(control + HeaderSize - 4) = Rights;
        *(int*)(control + HeaderSize) = descriptor;
    }

    private static long Call(byte* control, Part* part, Exchange exchange, Socket channel)
    {
        var handle = channel.SafeHandle;
        if (OperatingSystem.IsMacOS())
        {
            var message = new MacMessage { Parts = part, PartCount = 1, Control = control, ControlLength = (uint)ControlSize };
            return exchange(handle, &message);
        }
        else
        {
            var message = new LinuxMessage { Parts = part, PartCount = 1, Control = control, ControlLength = (nuint)ControlSize };
            return exchange(handle, &message);
        }
    }

    private delegate long Exchange(SafeSocketHandle handle, void* message);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(SafeSocketHandle handle, void* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(SafeSocketHandle handle, void* message, int flags);

    // struct iovec
    [StructLayout(LayoutKind.Sequential)]
    private struct Part
    {
        public byte* Data;
        public nuint Length;
    }

    // struct msghdr of glibc and musl on 64 bits; padding follows from the fields' sizes.
    [StructLayout(LayoutKind.Sequential)]
    private struct LinuxMessage
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public nuint PartCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MacMessage
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public int PartCount;
        public void* Control;
        public uint ControlLength;
        public int Flags;
    }
}
