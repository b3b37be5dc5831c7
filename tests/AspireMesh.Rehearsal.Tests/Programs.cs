namespace AspireMesh.Rehearsal.Tests;

/// <summary>The programs as this build made them. The test's own folder ends in bin/mode/configuration/framework; theirs are built alike.</summary>
internal static class Programs
{
    private static readonly string[] Parts = AppContext.BaseDirectory.TrimEnd('/', '\\').Split('/', '\\');

    public static string Root => string.Join(Path.DirectorySeparatorChar, Parts[..^6]);

    public static string Proxy => Built("MeshProxy/AspireMesh.Proxy.Sidecar", "aspiremesh-proxy.dll");

    public static string Tool => Built("MeshHost/AspireMesh.Tool", "aspiremesh.dll");

    public static string App => Built("tests/AspireMesh.TestApp", "AspireMesh.TestApp.dll");

    private static string Built(string project, string file) => Path.Combine([Root, project, .. Parts[^4..], file]);
}
