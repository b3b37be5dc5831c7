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
}
