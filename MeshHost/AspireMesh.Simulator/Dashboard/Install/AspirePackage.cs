using System.Runtime.InteropServices;

namespace AspireMesh.Simulator.Dashboard.Install;

/// <summary>The npm package the dashboard comes in, pinned by version and by npm's integrity hash.</summary>
/// <param name="Name">The package of one platform.</param>
/// <param name="Integrity">npm's hash of it: npm refuses a package that differs.</param>
internal sealed record AspirePackage(string Name, string Integrity)
{
    internal const string Version = "13.5.4";

    /// <summary>What to do where it could not be installed.</summary>
    internal const string Remedy = $"To have it, install the Aspire CLI {Version} (https://aspire.dev/get-started/install-cli) and run once: aspire dashboard run. To do without: --no-dashboard.";

    // A platform is listed once its package was installed and tried; on others the one-line instruction is given instead.
    private static readonly Dictionary<string, AspirePackage> Known = new()
    {
        ["linux-x64"] = new("@microsoft/aspire-cli-linux-x64", "sha512-8PWeRHM1+QwQB2wxDnfPsimi3EW01r04b4DjX0jIDE78SlfJabwVfYArW/48vDzYvPzKSRye6DIPVAsCFoXjBA=="),
    };

    /// <summary>The package of this machine, null where none is pinned.</summary>
    internal static AspirePackage? ForThisMachine() => Known.GetValueOrDefault(RuntimeInformation.RuntimeIdentifier switch
    {
        // A distribution's own build of .NET calls itself debian.13-x64, fedora.43-x64…; musl ones differ in more than the name.
        var rid when OperatingSystem.IsLinux() && !rid.Contains("musl", StringComparison.Ordinal) && !rid.Contains("alpine", StringComparison.Ordinal) =>
            $"linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}",
        var rid => rid,
    });
}
