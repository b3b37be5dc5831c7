using System.CommandLine;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Host.Kubernetes.Operating;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Tool.Connecting;

/// <summary>
/// Finds the running mesh a command is about: the only one on this machine, the one that <c>--mesh</c> names, or, with <c>--context</c>, <c>--namespace</c> or
/// <c>--kubeconfig</c>, one in a cluster, through a port-forward to its control plane.
/// </summary>
internal sealed class MeshOption(ToolTerminal terminal)
{
    private readonly Option<string?> _name = new("--mesh") { Description = "The AppHost's name, where several meshes run on this machine." };

    private readonly Option<string?> _context = new("--context") { Description = "A mesh in a cluster: the context of the kubeconfig." };
    private readonly Option<string?> _namespace = new("--namespace", "-n") { Description = "A mesh in a cluster: its namespace. Default: the context's." };
    private readonly Option<string?> _kubeconfig = new("--kubeconfig") { Description = "A mesh in a cluster: the kubeconfig. Default: KUBECONFIG, or the user's own." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_name);
        command.Options.Add(_context);
        command.Options.Add(_namespace);
        command.Options.Add(_kubeconfig);
    }

    /// <summary>A client for it.</summary>
    /// <exception cref="MeshValidationException">None runs, or several and none was named.</exception>
    public MeshAdminClient Connect(ParseResult parsed)
    {
        var (context, ns, kubeconfig) = (parsed.GetValue(_context), parsed.GetValue(_namespace), parsed.GetValue(_kubeconfig));
        if (context is null && ns is null && kubeconfig is null) return new MeshAdminClient(Find(parsed));
        if (parsed.GetValue(_name) is { } name)
        {
            throw Bad(MeshDiagnostics.BadArgument, $"--mesh {name} names a mesh on this machine, --context and --namespace one in a cluster. Give only one of them.");
        }
        var access = ClusterAccess.Read(kubeconfig, context);
        return ClusterAdmin.Connect(new k8s.Kubernetes(access), ns ?? access.Namespace ?? "default");
    }

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
