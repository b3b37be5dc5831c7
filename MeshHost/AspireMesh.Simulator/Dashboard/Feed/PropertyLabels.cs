namespace AspireMesh.Simulator.Dashboard.Feed;

/// <summary>What the details page calls a property, and in which order it comes. Since 13.5 the dashboard takes both from the host.</summary>
internal static class PropertyLabels
{
    private static readonly Dictionary<string, (string Text, int Order)> Executable = new()
    {
        ["executable.path"] = ("Executable path", 0),
        ["executable.workDir"] = ("Working directory", 1),
        ["executable.args"] = ("Executable arguments", 2),
        ["executable.pid"] = ("Process ID", 3),
    };

    private static readonly Dictionary<string, (string Text, int Order)> Project = new()
    {
        ["project.path"] = ("Project path", 0),
        ["project.launchProfile"] = ("Launch profile", 1),
        ["executable.pid"] = ("Process ID", 2),
    };

    private static readonly Dictionary<string, (string Text, int Order)> Container = new()
    {
        ["container.image"] = ("Container image", 0),
        ["container.id"] = ("Container ID", 1),
        ["container.command"] = ("Container command", 2),
        ["container.args"] = ("Container arguments", 3),
        ["container.ports"] = ("Container ports", 4),
        ["container.lifetime"] = ("Container lifetime", 5),
    };

    /// <summary>The label of a property of this type of resource; null for those the dashboard names itself.</summary>
    internal static (string Text, int Order)? Find(string resourceType, string property)
    {
        var labels = resourceType switch { "Project" => Project, "Container" => Container, _ => Executable };
        return labels.TryGetValue(property, out var label) ? label : null;
    }
}
