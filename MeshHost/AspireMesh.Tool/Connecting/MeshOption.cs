using System.CommandLine;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Tool.Connecting;

/// <summary>Finds the running mesh a command is about: the only one, or the one that <c>--mesh</c> names.</summary>
internal sealed class MeshOption(ToolTerminal terminal)
{
    private readonly Option<string?> _name = new("--mesh") { Description = "The AppHost's name, where several meshes run on this machine." };

    /// <summary>Adds the option to a command.</summary>
    public void AddTo(Command command) => command.Options.Add(_name);

    /// <summary>A client for it.</summary>
    /// <exception cref="MeshValidationException">None runs, or several and none was named.</exception>
    public MeshAdminClient Connect(ParseResult parsed) => new(Find(parsed));

    /// <summary>Its run file.</summary>
    public RunFile Find(ParseResult parsed)
    {
        var name = parsed.GetValue(_name);
        var running = RunDirectory.Find(terminal.RunDirectory);
        RunFile[] matching = [.. running.Where(r => name is null || r.AppHost == name)];
        return matching.Length switch
        {
            1 => matching[0],
            0 when running.Count > 0 => throw Bad(MeshDiagnostics.NoMesh, $"No mesh '{name}' is running. These are: {Names(running)}. Type: aspiremesh status --mesh {running[0].AppHost}"),
            0 => throw Bad(MeshDiagnostics.NoMesh, $"No running mesh was found in {terminal.RunDirectory}. Start one: dotnet run --project <apphost>"),
            _ when name is null => throw Bad(MeshDiagnostics.SeveralMeshes, $"Several meshes are running: {Names(running)}. Choose one: --mesh {running[0].AppHost}"),
            // The same AppHost twice: the one started last is meant more often than not, but guessing is not the tool's business.
            _ => throw Bad(MeshDiagnostics.SeveralMeshes, $"The AppHost '{name}' runs {matching.Length} times (processes {string.Join(", ", matching.Select(m => m.Pid))}). End all but one, or set {RunFile.DirectoryVariable}."),
        };
    }

    private static string Names(IEnumerable<RunFile> running) => string.Join(", ", running.Select(r => r.AppHost).Distinct());

    private static MeshValidationException Bad(MeshDiagnostic diagnostic, string message) => new([diagnostic.Found(message)]);
}
