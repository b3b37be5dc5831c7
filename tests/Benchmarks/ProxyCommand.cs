namespace AspireMesh.Benchmarks;

/// <summary>Which build of the proxy is measured.</summary>
internal static class ProxyCommand
{
    /// <summary>The ahead-of-time build where ASPIREMESH_PROXY names one, else this build's own.</summary>
    public static (string Command, string[] Arguments) Find()
    {
        if (Environment.GetEnvironmentVariable("ASPIREMESH_PROXY") is { Length: > 0 } native) return (native, []);
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "AspireMesh.sln"))) root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("AspireMesh.sln was not found above the benchmark");
        var folder = Path.Combine(root, "MeshProxy", "AspireMesh.Proxy.Sidecar", "bin");
        var built = Directory.GetFiles(folder, "aspiremesh-proxy.dll", SearchOption.AllDirectories).Where(f => !f.Contains("ref")).MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new InvalidOperationException("aspiremesh-proxy.dll is not built: dotnet build -c Release AspireMesh.sln");
        return ("dotnet", [built]);
    }
}
