using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Rehearsal.Pods;
using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>A container's program on this machine.</summary>
internal sealed record ProgramCommand(IReadOnlyList<string> Command, string WorkingDirectory);

/// <summary>Finds for every container the program on this machine that its image was made from.</summary>
internal sealed class ImageCommands
{
    private readonly Dictionary<string, ProgramCommand> _programs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ours = new(StringComparer.Ordinal);

    /// <summary>Images that nothing is known of: their pods are not run.</summary>
    public List<string> Unknown { get; } = [];

    /// <exception cref="MeshValidationException">Something that is named is not there; carries every reason.</exception>
    public static async Task<ImageCommands> FindAsync(ManifestSet manifests, RehearsalOptions options)
    {
        var commands = new ImageCommands();
        var problems = new ProblemList();
        var sources = RehearsalImages.Read(manifests.Folder)?.Images ?? new Dictionary<string, ImageSource>();
        foreach (var image in manifests.Workloads().SelectMany(w => w.Template.Spec.Containers.Concat(w.Template.Spec.InitContainers ?? [])).Select(c => c.Image).Distinct().Order(StringComparer.Ordinal))
        {
            if (!sources.TryGetValue(image, out var source)) commands.Unknown.Add(image);
            else await commands.AddAsync(image, source, manifests.Folder, options, problems);
        }
        problems.ThrowIfAny();
        return commands;
    }

    /// <summary>What a container runs: its image's program, with the command and arguments of the manifest in place of the image's.</summary>
    public ProgramCommand? Of(V1Container container)
    {
        if (!_programs.TryGetValue(container.Image, out var program)) return null;
        // In an image of ours, or of a project, the manifest's command names the program that is here another one.
        IEnumerable<string> words = container.Command is not { Count: > 0 } command
            ? [.. program.Command, .. container.Args ?? []]
            : _ours.Contains(container.Image) ? [.. program.Command, .. command.Skip(1), .. container.Args ?? []] : [.. command, .. container.Args ?? []];
        return program with { Command = [.. words] };
    }

    private async Task AddAsync(string image, ImageSource source, string folder, RehearsalOptions options, ProblemList problems)
    {
        string From(string path) => Path.GetFullPath(path, Path.GetFullPath(folder));
        switch (source.Runs)
        {
            case ImageKind.Proxy when options.Proxy.Count == 0:
                problems.Add(MeshDiagnostics.CannotRehearse, "The sidecar's program was not found. Build it, then say where it is: --proxy PATH, or ASPIREMESH_PROXY.");
                break;
            case ImageKind.Proxy:
                Add(image, options.Proxy, "/");
                break;
            case ImageKind.Tool:
                Add(image, options.Tool, "/");
                break;
            case ImageKind.Command:
                _programs[image] = new ProgramCommand(source.Command, source.WorkingDirectory is { } where ? From(where) : "/");
                break;
            default:
                var project = From(source.Path ?? "");
                if (await OutputAsync(project) is { } built) Add(image, ["dotnet", built], source.WorkingDirectory is { } at ? From(at) : Path.GetDirectoryName(project)!);
                else problems.Add(MeshDiagnostics.CannotRehearse, $"Image '{image}': its project '{project}' is not built. Type: dotnet build {project}");
                break;
        }
    }

    private void Add(string image, IReadOnlyList<string> command, string workingDirectory)
    {
        _programs[image] = new ProgramCommand(command, workingDirectory);
        _ours.Add(image);
    }

    private static async Task<string?> OutputAsync(string project)
    {
        if (!File.Exists(project)) return null;
        var (code, text) = await Shell.TryAsync("dotnet", "msbuild", project, "-getProperty:TargetPath");
        var path = text.Trim();
        return code == 0 && File.Exists(path) ? path : null;
    }
}
