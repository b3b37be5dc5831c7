using Aspire.Hosting;

namespace AspireMesh.Simulator.ProjectFiles;

/// <summary>A project known by its path alone.</summary>
internal sealed class ProjectAtPath(string projectPath) : IProjectMetadata
{
    public string ProjectPath { get; } = projectPath;

    /// <summary>A project file, or a folder that holds one.</summary>
    public static ProjectAtPath Find(string path, string appHostDirectory)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var full = Path.GetFullPath(path.Replace('\\', Path.DirectorySeparatorChar), appHostDirectory);
        if (Directory.Exists(full))
        {
            var projects = Directory.GetFiles(full, "*.??proj");
            return projects.Length == 1
                ? new ProjectAtPath(projects[0])
                : throw new DistributedApplicationException($"'{full}' holds {projects.Length} project files. Name the one to run: AddProject(name, \"path/to/X.csproj\").");
        }

        if (full.EndsWith(".cs", StringComparison.OrdinalIgnoreCase))
        {
            throw new NotSupportedException($"'{full}' is a file-based app, which the simulator does not run. Put it into a project, or build with -p:AspireHosting=packages.");
        }

        return new ProjectAtPath(full);
    }
}
