using System.Text.Json.Serialization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Has endpoints that others find by its name.</summary>
public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

/// <summary>Where a project is; implemented by the generated <c>Projects.X</c> types.</summary>
public interface IProjectMetadata : IResourceAnnotation
{
    /// <summary>Full path of the project file.</summary>
    string ProjectPath { get; }

    /// <summary>The launch settings; null to read them from the project's folder.</summary>
    LaunchSettings? LaunchSettings => null;

    /// <summary>Whether the project is built already.</summary>
    bool SuppressBuild => false;

    /// <summary>Whether it is one C# file.</summary>
    bool IsFileBasedApp => ProjectPath.EndsWith(".cs", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A project's launchSettings.json.</summary>
public sealed class LaunchSettings
{
    /// <summary>The profiles by name, in the file's order.</summary>
    [JsonPropertyName("profiles")]
    public Dictionary<string, LaunchProfile> Profiles { get; set; } = [];
}

/// <summary>A way to launch a project.</summary>
public sealed class LaunchProfile
{
    /// <summary><c>Project</c> for the profiles that count here.</summary>
    [JsonPropertyName("commandName")]
    public string? CommandName { get; set; }

    /// <summary>Arguments as one text.</summary>
    [JsonPropertyName("commandLineArgs")]
    public string? CommandLineArgs { get; set; }

    /// <summary>Not used.</summary>
    [JsonPropertyName("dotnetRunMessages")]
    public bool? DotnetRunMessages { get; set; }

    /// <summary>Not used.</summary>
    [JsonPropertyName("launchBrowser")]
    public bool? LaunchBrowser { get; set; }

    /// <summary>The page to open, relative to the URL.</summary>
    [JsonPropertyName("launchUrl")]
    public string? LaunchUrl { get; set; }

    /// <summary>URLs separated by semicolons; each becomes an endpoint.</summary>
    [JsonPropertyName("applicationUrl")]
    public string? ApplicationUrl { get; set; }

    /// <summary>Not used.</summary>
    [JsonPropertyName("executablePath")]
    public string? ExecutablePath { get; set; }

    /// <summary>Variables the project gets unless set otherwise.</summary>
    [JsonPropertyName("environmentVariables")]
    public Dictionary<string, string> EnvironmentVariables { get; set; } = [];
}
