using System.Runtime.InteropServices;
using System.Text;

namespace AspireMesh.Simulator.Processes;

/// <summary>Starts a process in a process group of its own, with default signals.</summary>
internal static unsafe class PosixSpawn
{
    /// <summary>Starts <paramref name="program"/>; descriptors of null for standard input is /dev/null.</summary>
    public static int Start(string program, ProcessSpec spec, int? standardInput, int standardOutput, int standardError)
    {
        var actions = stackalloc byte[LibC.OpaqueSize];
        var attributes = stackalloc byte[LibC.OpaqueSize];
        var signals = stackalloc byte[LibC.OpaqueSize];
        Check(LibC.InitFileActions(actions), program);
        Check(LibC.InitAttributes(attributes), program);
        var arguments = Strings([spec.FileName, .. spec.Arguments]);
        var environment = Strings(spec.Environment.Select(e => $"{e.Key}={e.Value}"));
        try
        {
            Check(standardInput is { } input ? LibC.AddDuplicate(actions, input, 0) : LibC.AddOpen(actions, 0, "/dev/null", 0, 0), program);
            Check(LibC.AddDuplicate(actions, standardOutput, 1), program);
            Check(LibC.AddDuplicate(actions, standardError, 2), program);
            Check(LibC.AddChangeDirectory(actions, spec.WorkingDirectory), program);
            Check(LibC.SetFlags(attributes, LibC.SpawnSetGroup | LibC.SpawnSetSignalDefaults | LibC.SpawnSetSignalMask), program);
            Check(LibC.SetGroup(attributes, 0), program);
            _ = LibC.FillSignals(signals);
            _ = LibC.RemoveSignal(signals, LibC.SigKill);
            _ = LibC.RemoveSignal(signals, OperatingSystem.IsLinux() ? 19 : 17);
            Check(LibC.SetSignalDefaults(attributes, signals), program);
            _ = LibC.EmptySignals(signals);
            Check(LibC.SetSignalMask(attributes, signals), program);
            Check(LibC.Spawn(out var pid, program, actions, attributes, arguments, environment), program);
            return pid;
        }
        finally
        {
            Free(arguments);
            Free(environment);
            _ = LibC.DestroyAttributes(attributes);
            _ = LibC.DestroyFileActions(actions);
        }
    }

    private static void Check(int error, string program)
    {
        if (error != 0)
        {
            throw new ProcessStartException($"'{program}' could not be started: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
    }

    private static byte** Strings(IEnumerable<string> strings)
    {
        var list = strings.ToArray();
        var array = (byte**)NativeMemory.Alloc((nuint)(list.Length + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < list.Length; i++)
        {
            // A NUL cannot stand inside an argument or a variable; what follows it is lost, as everywhere.
            var length = Encoding.UTF8.GetByteCount(list[i]);
            array[i] = (byte*)NativeMemory.Alloc((nuint)length + 1);
            Encoding.UTF8.GetBytes(list[i], new Span<byte>(array[i], length));
            array[i][length] = 0;
        }

        array[list.Length] = null;
        return array;
    }

    private static void Free(byte** strings)
    {
        for (var i = 0; strings[i] is not null; i++)
        {
            NativeMemory.Free(strings[i]);
        }

        NativeMemory.Free(strings);
    }
}
