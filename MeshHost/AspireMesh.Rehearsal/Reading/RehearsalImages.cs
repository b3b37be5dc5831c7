using System.Text.Json;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>
/// <c>rehearse.json</c> beside the manifests: what each image came from. Publishing writes it, so that a rehearsal runs the same programs without building images.
/// </summary>
public sealed record RehearsalImages
{
    /// <summary>The file's name.</summary>
    public const string FileName = "rehearse.json";

    /// <summary>By image, as it stands in the manifests.</summary>
    public IReadOnlyDictionary<string, ImageSource> Images { get; init; } = new Dictionary<string, ImageSource>();

    /// <summary>Reads the file in a folder; null when there is none.</summary>
    /// <exception cref="MeshValidationException">It cannot be read.</exception>
    public static RehearsalImages? Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) return null;
        try
        {
            return JsonSerializer.Deserialize<RehearsalImages>(File.ReadAllText(file), Options);
        }
        catch (JsonException e)
        {
            throw new MeshValidationException([MeshDiagnostics.BadDocument.Found($"'{file}' cannot be read: {e.Message} Publish the AppHost again.")]);
        }
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };
}

/// <summary>What an image is made of.</summary>
public enum ImageKind
{
    /// <summary>A .NET project: <see cref="ImageSource.Path"/> is its project file; its last build is run.</summary>
    Project,

    /// <summary>A command of this machine: <see cref="ImageSource.Command"/>.</summary>
    Command,

    /// <summary>The sidecar.</summary>
    Proxy,

    /// <summary>This tool (the control plane).</summary>
    Tool,
}

/// <summary>Where one image came from.</summary>
public sealed record ImageSource
{
    /// <summary>What it is.</summary>
    public ImageKind Runs { get; init; }

    /// <summary>For a project: its project file, from the folder of <c>rehearse.json</c> where it is relative.</summary>
    public string? Path { get; init; }

    /// <summary>For a command: program and arguments.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Where it runs, from the folder of <c>rehearse.json</c> where it is relative; null for the project's folder or <c>/</c>.</summary>
    public string? WorkingDirectory { get; init; }
}
