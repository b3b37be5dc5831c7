using System.Diagnostics;
using System.Text.Json;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.Host.Running;

/// <summary>Where running meshes leave their run files (design.md section 6).</summary>
public static class RunDirectory
{
    /// <summary><c>ASPIREMESH_RUN_DIR</c>, or <c>.aspiremesh/run</c> in the user's profile.</summary>
    public static string Default =>
        Environment.GetEnvironmentVariable(RunFile.DirectoryVariable) is { Length: > 0 } set
            ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aspiremesh", "run");

    /// <summary>The run files of processes that are alive, by name. Those of dead ones are removed, and what is no run file is passed over.</summary>
    /// <param name="directory">Where to look; null for <see cref="Default"/>.</param>
    public static IReadOnlyList<RunFile> Find(string? directory = null)
    {
        var found = new List<RunFile>();
        var path = directory ?? Default;
        if (!Directory.Exists(path)) return found;
        foreach (var file in Directory.EnumerateFiles(path, "*.json"))
        {
            if (Read(file) is not { } run) continue;
            if (IsAlive(run.Pid)) found.Add(run);
            else File.Delete(file);
        }
        return [.. found.OrderBy(r => r.AppHost, StringComparer.Ordinal).ThenBy(r => r.Pid)];
    }

    /// <summary>Writes a run file of mode 0600, and removes those of dead processes; its path.</summary>
    internal static string Write(string directory, RunFile run)
    {
        Find(directory);
        var name = string.Concat(run.AppHost.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_'));
        var path = Path.Combine(directory, $"{name}.{run.Pid}.json");
        PrivateFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(run, AdminJson.Default.RunFile));
        return path;
    }

    private static RunFile? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), AdminJson.Default.RunFile);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // It is there, but another user's.
            return true;
        }
    }
}
