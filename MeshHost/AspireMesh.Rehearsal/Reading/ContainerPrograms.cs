using AspireMesh.Host.Kubernetes;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Rehearsal.Pods;
using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>A container's program on this machine.</summary>
/// <param name="Command">Program and arguments.</param>
/// <param name="WorkingDirectory">Where it runs.</param>
/// <param name="User">The user it has to run as; null for the manifest's.</param>
internal sealed record ProgramCommand(IReadOnlyList<string> Command, string WorkingDirectory, long? User = null);

/// <summary>
/// Finds for every container the program on this machine that its image was made from: the sidecar and the control plane by their containers' names, projects and
/// commands as publishing noted them, a PostgreSQL of this machine for PostgreSQL's image.
/// </summary>
internal sealed class ContainerPrograms
{
    /// <summary>The name of a sidecar's container.</summary>
    public const string Proxy = SidecarPlaces.Container;

    private readonly Dictionary<string, ProgramCommand> _programs = new(StringComparer.Ordinal);

    /// <summary>Images that nothing is known of: their pods are not run.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Images in whose place a program of this machine runs.</summary>
    public List<string> Replaced { get; } = [];

    /// <exception cref="MeshValidationException">Something that is named is not there; carries every reason.</exception>
    public static async Task<ContainerPrograms> FindAsync(ManifestSet manifests, RehearsalOptions options)
    {
        var found = new ContainerPrograms();
        var problems = new ProblemList();
        var noted = RehearsalPrograms.Read(manifests.Folder).Workloads.GroupBy(w => w.Container).ToDictionary(w => w.Key, w => w.First());
        var containers = manifests.Workloads().SelectMany(w => w.Template.Spec.Containers.Concat(w.Template.Spec.InitContainers ?? [])).DistinctBy(c => c.Name).OrderBy(c => c.Name, StringComparer.Ordinal).ToArray();
        // Asking for a project's output takes a second or two each.
        var outputs = await OutputsAsync(containers.Select(c => noted.GetValueOrDefault(c.Name)?.Project).OfType<string>().Distinct(), manifests.Folder);
        foreach (var container in containers)
        {
            if (container.Name is Proxy or SidecarPlaces.InterceptContainer) found.AddProxy(container.Name, options, problems);
            else if (container.Name == ClusterNames.ControlPlane) found._programs[container.Name] = new ProgramCommand(options.Tool, "/");
            else if (noted.TryGetValue(container.Name, out var program)) found.Add(program, manifests.Folder, outputs, problems);
            else if (InstalledPostgres.For(container.Image) is { } postgres) found.Replace(container, postgres);
            else if (!found.Unknown.Contains(container.Image)) found.Unknown.Add(container.Image);
        }
        problems.ThrowIfAny();
        return found;
    }

    /// <summary>What a container runs. The manifest's arguments follow ours; its command names a program in the image, which here is another one.</summary>
    public ProgramCommand? Of(V1Container container) =>
        _programs.TryGetValue(container.Name, out var program) ? program with { Command = [.. program.Command, .. container.Command?.Skip(1) ?? [], .. container.Args ?? []] } : null;

    private void AddProxy(string container, RehearsalOptions options, ProblemList problems)
    {
        if (options.Proxy.Count > 0) _programs[container] = new ProgramCommand(options.Proxy, "/");
        else problems.Add(MeshDiagnostics.CannotRehearse, "The sidecar's program was not found. Build it, then say where it is: --proxy PATH, or ASPIREMESH_PROXY.");
    }

    private void Replace(V1Container container, ProgramCommand program)
    {
        _programs[container.Name] = program;
        Replaced.Add(container.Image);
    }

    private void Add(RehearsalProgram program, string folder, IReadOnlyDictionary<string, string?> outputs, ProblemList problems)
    {
        if (program.Project is { } project)
        {
            var file = From(folder, project);
            if (outputs[project] is { } built) _programs[program.Container] = new ProgramCommand(["dotnet", built, .. program.Arguments], program.WorkingDirectory is { } at ? From(folder, at) : Path.GetDirectoryName(file)!);
            else problems.Add(MeshDiagnostics.CannotRehearse, $"Container '{program.Container}': its project '{file}' is not built. Type: dotnet build {file}");
        }
        else if (program.Command is { } command)
        {
            _programs[program.Container] = new ProgramCommand([command, .. program.Arguments], program.WorkingDirectory is { } at ? From(folder, at) : "/");
        }
        else
        {
            problems.Add(MeshDiagnostics.CannotRehearse, $"Container '{program.Container}' in {RehearsalPrograms.FileName} has neither project nor command. Publish the AppHost again.");
        }
    }

    private static string From(string folder, string path) => Path.GetFullPath(path, Path.GetFullPath(folder));

    private static async Task<Dictionary<string, string?>> OutputsAsync(IEnumerable<string> projects, string folder)
    {
        var asked = projects.Select(async p => (Project: p, Output: await OutputAsync(From(folder, p))));
        return (await Task.WhenAll(asked)).ToDictionary(a => a.Project, a => a.Output);
    }

    private static async Task<string?> OutputAsync(string project)
    {
        if (!File.Exists(project)) return null;
        var (code, text) = await Shell.TryAsync("dotnet", "msbuild", project, "-getProperty:TargetPath");
        var path = text.Trim();
        return code == 0 && File.Exists(path) ? path : null;
    }
}
