namespace AspireMesh.Architecture.Tests;

internal static class RepositoryRoot
{
    public static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "AspireMesh.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("AspireMesh.sln was not found above the test's folder");
    }
}
