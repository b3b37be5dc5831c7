namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>Where the built outputs are: beside this test's own, in the same mode and configuration.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>"bin/simulator/Debug/net10.0" of this test assembly.</summary>
    private static string OutputPath { get; } = Path.GetRelativePath(Path.Combine(Root, "tests", "AspireMesh.EndToEnd.Tests"), AppContext.BaseDirectory);

    public static string AppHost => Built("playground/Shop.AppHost", "Shop.AppHost.dll");

    public static string Tool => Built("MeshHost/AspireMesh.Tool", "aspiremesh.dll");

    /// <summary>The sidecar as the ordinary build makes it, started by the apphost beside its dll.</summary>
    public static string Proxy => Built("MeshProxy/AspireMesh.Proxy.Sidecar", OperatingSystem.IsWindows() ? "aspiremesh-proxy.exe" : "aspiremesh-proxy");

    /// <summary>Where screenshots and logs of a run are kept.</summary>
    public static string Results { get; } = Directory.CreateDirectory(Path.Combine(Root, "artifacts", "end-to-end")).FullName;

    private static string Built(string project, string file)
    {
        var path = Path.GetFullPath(Path.Combine(Root, project, OutputPath, file));
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not built. Run: dotnet build AspireMesh.sln");
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "AspireMesh.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("AspireMesh.sln was not found above the test's folder");
    }
}
