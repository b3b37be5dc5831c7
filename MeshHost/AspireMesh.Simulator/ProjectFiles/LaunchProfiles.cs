using System.Text.Json;
using System.Text.Json.Serialization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.ProjectFiles;

/// <summary>Reads a project's launch settings and chooses a profile.</summary>
internal static class LaunchProfiles
{
    public static LaunchSettings? Read(IProjectMetadata metadata)
    {
        if (metadata.LaunchSettings is { } given)
        {
            return given;
        }

        var file = Path.Combine(Path.GetDirectoryName(metadata.ProjectPath)!, "Properties", "launchSettings.json");
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            using var stream = File.OpenRead(file);
            return JsonSerializer.Deserialize(stream, LaunchSettingsJson.Default.LaunchSettings);
        }
        catch (JsonException exception)
        {
            throw new DistributedApplicationException($"'{file}' is not valid: {exception.Message}", exception);
        }
    }

    /// <summary>The named profile, else the AppHost's own where the project has it, else the first that starts the project.</summary>
    public static KeyValuePair<string, LaunchProfile>? Choose(LaunchSettings? settings, string? asked, string? appHostProfile, IResource resource)
    {
        if (asked is not null)
        {
            return settings?.Profiles.TryGetValue(asked, out var named) == true
                ? new(asked, named)
                : throw new DistributedApplicationException($"Launch profile with name '{asked}' does not exist for '{resource.Name}'. Profiles: {string.Join(", ", settings?.Profiles.Keys ?? Enumerable.Empty<string>())}.");
        }

        if (appHostProfile is not null && settings?.Profiles.TryGetValue(appHostProfile, out var same) == true && IsProject(same))
        {
            return new(appHostProfile, same);
        }

        return settings?.Profiles.Where(p => IsProject(p.Value)).Select(p => (KeyValuePair<string, LaunchProfile>?)p).FirstOrDefault();
    }

    private static bool IsProject(LaunchProfile profile) => string.Equals(profile.CommandName, "Project", StringComparison.OrdinalIgnoreCase);
}

[JsonSourceGenerationOptions(ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(LaunchSettings))]
internal sealed partial class LaunchSettingsJson : JsonSerializerContext;
