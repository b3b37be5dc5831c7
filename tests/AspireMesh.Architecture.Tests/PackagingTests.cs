using System.Xml.Linq;

namespace AspireMesh.Architecture.Tests;

/// <summary>What <c>dotnet pack</c> makes can be used by who has only the packages.</summary>
public class PackagingTests
{
    private const string SimulatorPackage = "build/AspireMesh.Simulator.Package/AspireMesh.Simulator.Package.csproj";

    [Fact]
    public void A_packed_library_references_only_projects_that_are_packed_too()
    {
        var missing = Projects().Where(p => PackedFor(p) == "packages" && !p.Xml.Descendants("PackAsTool").Any())
            .SelectMany(p => References(p).Where(r => PackedFor(r) != "packages").Select(r => $"{p.Name} is a package, {r.Name} is not: add <PackedFor>packages</PackedFor> to it."));
        Problems.None(missing);
    }

    [Fact]
    public void The_simulator_package_names_every_package_that_its_assemblies_need()
    {
        var package = Read(SimulatorPackage);
        var carried = new Dictionary<string, Project>();
        var left = new Queue<Project>(References(package));
        while (left.TryDequeue(out var next)) if (carried.TryAdd(next.Name, next)) foreach (var reference in References(next)) left.Enqueue(reference);
        Assert.Contains("AspireMesh.Proxy", carried.Keys);
        var named = Packages(package).ToHashSet();
        Problems.None(carried.Values.SelectMany(p => Packages(p).Where(n => !named.Contains(n)).Select(n => $"{p.Name} needs {n}: add it to {SimulatorPackage}.")));
    }

    private static IEnumerable<Project> Projects() => new[] { "MeshProxy", "MeshHost", "Hosting.Extensions", "Chaos" }
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Find(), folder), "*.csproj", SearchOption.AllDirectories)).Select(Read);

    private static Project Read(string path)
    {
        var full = Path.GetFullPath(path, RepositoryRoot.Find());
        return new Project(full, Path.GetFileNameWithoutExtension(full), XDocument.Load(full));
    }

    private static string? PackedFor(Project project) => project.Xml.Descendants("PackedFor").SingleOrDefault()?.Value;

    // References of packages mode only (Aspire's own packages) are no concern of the simulator's package.
    private static IEnumerable<string> Packages(Project project) => project.Xml.Descendants("PackageReference")
        .Where(r => r.Attribute("PrivateAssets")?.Value != "all" && !r.AncestorsAndSelf().Any(e => e.Attribute("Condition")?.Value.Contains("'packages'", StringComparison.Ordinal) == true))
        .Select(r => r.Attribute("Include")!.Value);

    private static IEnumerable<Project> References(Project project) => project.Xml.Descendants("ProjectReference")
        .Select(r => Read(Path.GetFullPath(r.Attribute("Include")!.Value.Replace('\\', '/'), Path.GetDirectoryName(project.Path)!)));

    private sealed record Project(string Path, string Name, XDocument Xml);
}
