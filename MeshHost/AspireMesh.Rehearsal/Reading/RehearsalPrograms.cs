using System.Text.Json;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>
/// <c>rehearse.json</c> beside the manifests: what each container's image came from. Publishing writes it, so that a rehearsal runs the same programs without building
/// images. Paths are relative to the file.
/// </summary>
public sealed record RehearsalPrograms
{
    /// <summary>The file's name.</summary>
    public const string FileName = "rehearse.json";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>One entry per container.</summary>
    public IReadOnlyList<RehearsalProgram> Workloads { get; init; } = [];

    /// <summary>Reads the file in a folder; nothing is known where there is none.</summary>
    /// <exception cref="MeshValidationException">It cannot be read.</exception>
    public static RehearsalPrograms Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) return new RehearsalPrograms();
        try
        {
            return JsonSerializer.Deserialize<RehearsalPrograms>(File.ReadAllText(file), Options) ?? new RehearsalPrograms();
        }
        catch (JsonException e)
        {
            throw new MeshValidationException([MeshDiagnostics.BadDocument.Found($"'{file}' cannot be read: {e.Message} Publish the AppHost again.")]);
        }
    }
}

/// <summary>What one container runs: a project, or a command.</summary>
public sealed record RehearsalProgram
{
    /// <summary>The workload.</summary>
    public string? Name { get; init; }

    /// <summary>The container's name.</summary>
    public required string Container { get; init; }

    /// <summary>A .NET project file; its last build is run.</summary>
    public string? Project { get; init; }

    /// <summary>A program of this machine.</summary>
    public string? Command { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Where it runs; null for the project's folder.</summary>
    public string? WorkingDirectory { get; init; }
}
