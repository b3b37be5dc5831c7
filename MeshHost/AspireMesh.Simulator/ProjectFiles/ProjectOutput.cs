using System.Diagnostics;
using Aspire.Hosting;
using AspireMesh.Simulator.Processes;

namespace AspireMesh.Simulator.ProjectFiles;

/// <summary>Finds the assembly a project was built to.</summary>
internal sealed class ProjectOutput(ProcessSupervisor supervisor)
{
    /// <summary>The dotnet this AppHost runs on.</summary>
    public static string DotnetPath { get; } = FindDotnet();

    /// <exception cref="ProcessStartException">The project is missing or was not built.</exception>
    public async Task<string> FindAsync(IProjectMetadata metadata, CancellationToken cancellationToken)
    {
        if (!File.Exists(metadata.ProjectPath))
        {
            throw new ProcessStartException($"The project '{metadata.ProjectPath}' does not exist.");
        }

        var output = metadata is IBuiltProject built ? built.TargetPath : await AskBuildAsync(metadata.ProjectPath, cancellationToken).ConfigureAwait(false);
        return File.Exists(output)
            ? output
            : throw new ProcessStartException($"The project '{metadata.ProjectPath}' has no built output at '{output}'. Build it: dotnet build \"{metadata.ProjectPath}\".");
    }

    private async Task<string> AskBuildAsync(string project, CancellationToken cancellationToken)
    {
        var configuration = typeof(ProjectOutput).Assembly.GetCustomAttributes(typeof(DebuggableAttribute), false) is [DebuggableAttribute { IsJITOptimizerDisabled: true }, ..] ? "Debug" : "Release";
        var lines = new List<string>();
        var spec = new ProcessSpec(DotnetPath, ["msbuild", project, "-getProperty:TargetPath", $"-property:Configuration={configuration}", "-nologo"], Path.GetDirectoryName(project)!, ProcessSpec.InheritedEnvironment());
        var process = supervisor.Start(spec, (line, _) =>
        {
            lock (lines)
            {
                lines.Add(line);
            }
        });
        var exitCode = await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (lines)
        {
            return exitCode == 0 && lines.LastOrDefault(l => l.Length > 0) is { } path
                ? path.Trim()
                : throw new ProcessStartException($"'{project}' cannot be evaluated: {string.Join(' ', lines.Where(l => l.Contains("error", StringComparison.Ordinal)).Take(3))}");
        }
    }

    private static string FindDotnet()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host && File.Exists(host))
        {
            return host;
        }

        // The runtime's folder is <dotnet>/shared/Microsoft.NETCore.App/<version>.
        var root = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var beside = Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        return File.Exists(beside) ? beside : "dotnet";
    }
}
