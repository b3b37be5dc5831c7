using System.Runtime.InteropServices;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Finds the executables that sidecars and a control plane of its own run as.</summary>
internal sealed record FoundExecutable(string Command, IReadOnlyList<string> Arguments)
{
    /// <summary>Whether it runs without a runtime to start first.</summary>
    public bool IsAheadOfTime { get; init; }

    /// <summary>Names the proxy.</summary>
    public const string ProxyVariable = "ASPIREMESH_PROXY";

    /// <summary>Names the tool.</summary>
    public const string ToolVariable = "ASPIREMESH_TOOL";

    /// <summary>The proxy; null where there is none.</summary>
    public static FoundExecutable? Proxy(string? set) => Find(set, ProxyVariable, "aspiremesh-proxy");

    /// <summary>The tool; null where there is none.</summary>
    public static FoundExecutable? Tool(string? set) => Find(set, ToolVariable, "aspiremesh");

    /// <summary>Where it is looked for, for messages.</summary>
    public static string Places(string variable, string name) => $"looked at {variable}, {AppContext.BaseDirectory} and its runtimes/{RuntimeInformation.RuntimeIdentifier}/native for {name}";

    private static FoundExecutable? Find(string? set, string variable, string name)
    {
        var named = set ?? Environment.GetEnvironmentVariable(variable);
        if (!string.IsNullOrEmpty(named)) return File.Exists(named) ? Of(Path.GetFullPath(named)) : null;
        var file = OperatingSystem.IsWindows() ? name + ".exe" : name;
        string[] folders = [AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")];
        return folders.Select(f => Path.Combine(f, file)).FirstOrDefault(f => File.Exists(f) && !IsOrphanedLauncher(f)) is { } found ? Of(found) : null;
    }

    // A build copies the launcher and the runtime's settings of a project that is referenced without its output assembly: that launcher can start nothing.
    private static bool IsOrphanedLauncher(string path) => File.Exists(WithoutExe(path) + ".runtimeconfig.json") && !File.Exists(WithoutExe(path) + ".dll");

    private static string WithoutExe(string path) => path.EndsWith(".exe", StringComparison.OrdinalIgnoreCase) ? path[..^4] : path;

    private static FoundExecutable Of(string path)
    {
        if (path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)) return new("dotnet", [path]);

        // An executable with its assembly beside it is only a launcher of the runtime.
        return new(path, []) { IsAheadOfTime = !File.Exists(WithoutExe(path) + ".dll") };
    }
}
