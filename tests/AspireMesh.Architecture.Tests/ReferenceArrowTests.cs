using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AspireMesh.Architecture.Tests;

/// <summary>Who may reference whom (design.md section 1).</summary>
public class ReferenceArrowTests
{
    /// <summary>Direct references of ours. "AppModel" stands for UseAppModel, either host's app model.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["AspireMesh.Protocol"] = [],
        ["AspireMesh.Proxy"] = ["AspireMesh.Protocol"],
        ["AspireMesh.Proxy.Sidecar"] = ["AspireMesh.Proxy", "AspireMesh.Protocol"],
        ["AspireMesh.Host"] = ["AspireMesh.Protocol"],
        ["AspireMesh.Host.Kubernetes"] = ["AspireMesh.Host", "AspireMesh.Protocol"],
        ["AspireMesh.Rehearsal"] = ["AspireMesh.Host.Kubernetes", "AspireMesh.Host", "AspireMesh.Protocol", "AspireMesh.Manifests"],
        ["AspireMesh.Manifests"] = ["AspireMesh.Protocol"],
        ["AspireMesh.Tool"] = ["AspireMesh.Host", "AspireMesh.Host.Kubernetes", "AspireMesh.Manifests", "AspireMesh.Rehearsal", "AspireMesh.Chaos.Engine", "AspireMesh.Protocol"],
        ["AspireMesh.Simulator"] = [],
        ["AspireMesh.Hosting"] = ["AppModel", "AspireMesh.Host", "AspireMesh.Proxy", "AspireMesh.Protocol"],
        ["AspireMesh.Hosting.Kubernetes"] = ["AppModel", "AspireMesh.Hosting", "AspireMesh.Host", "AspireMesh.Manifests", "AspireMesh.Protocol"],
        ["AspireMesh.Chaos"] = ["AppModel", "AspireMesh.Protocol", "AspireMesh.Hosting", "AspireMesh.Chaos.Engine"],
        ["AspireMesh.Chaos.Engine"] = ["AspireMesh.Protocol"],
    };

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_the_design_allows(string project)
    {
        Problems.None(References(FindProject(project)).Except(Allowed[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_built_assembly_references_only_what_the_design_allows(string project)
    {
        var folder = Path.GetDirectoryName(FindProject(project))!;
        var name = XDocument.Load(FindProject(project)).Descendants("AssemblyName").FirstOrDefault()?.Value ?? project;
        var output = Path.GetRelativePath(Path.Combine(RepositoryRoot.Find(), "tests", "AspireMesh.Architecture.Tests"), AppContext.BaseDirectory);
        var file = Path.Combine(folder, output, $"{name}.dll");
        Assert.SkipUnless(File.Exists(file), $"{file} is not built (dotnet build AspireMesh.sln)");

        using var stream = File.OpenRead(file);
        using var assembly = new PEReader(stream);
        var metadata = assembly.GetMetadataReader();
        var allowed = Allowed[project].Contains("AppModel") ? Allowed[project].Append("AspireMesh.Simulator") : Allowed[project];
        Problems.None(metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name))
            .Where(r => r.StartsWith("AspireMesh.", StringComparison.Ordinal) || (r.StartsWith("Aspire.", StringComparison.Ordinal) && !allowed.Contains("AspireMesh.Simulator")))
            .Where(r => r != name).Except(allowed));
    }

    [Fact]
    public void Every_product_project_has_its_arrows_written_down()
    {
        var names = new[] { "MeshProxy", "MeshHost", "Hosting.Extensions", "Chaos" }
            .Select(folder => Path.Combine(RepositoryRoot.Find(), folder)).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories)).Select(f => Path.GetFileNameWithoutExtension(f)!);
        Assert.Equal(Allowed.Keys.Order(), names.Order());
    }

    [Theory]
    [InlineData("MeshProxy/", "Aspire.Hosting", "AspireMesh.Host", "AspireMesh.Hosting", "AspireMesh.Simulator", "AspireMesh.Chaos")]
    [InlineData("MeshHost/AspireMesh.Host/", "Aspire.Hosting", "AspireMesh.Hosting", "AspireMesh.Simulator", "AspireMesh.Proxy", "AspireMesh.Chaos")]
    [InlineData("MeshHost/AspireMesh.Simulator/", "AspireMesh.Host", "AspireMesh.Hosting", "AspireMesh.Proxy", "AspireMesh.Protocol", "AspireMesh.Chaos")]
    [InlineData("MeshProxy/AspireMesh.Proxy/Inbound/", "AspireMesh.Proxy.Outbound")]
    [InlineData("MeshProxy/AspireMesh.Proxy/Outbound/", "AspireMesh.Proxy.Inbound")]
    public void A_folder_names_no_namespace_it_must_not_know(string folder, params string[] forbidden)
    {
        var found = SourceFile.Product.Where(f => f.Path.StartsWith(folder, StringComparison.Ordinal))
            .SelectMany(f => NamespacesNamed(f).Where(n => forbidden.Any(x => n == x || n.StartsWith(x + ".", StringComparison.Ordinal))).Select(n => $"{f.Path}: {n}"));
        Problems.None(found);
    }

    [Fact]
    public void Simulator_types_are_named_in_one_file_of_the_hosting_package()
    {
        var files = SourceFile.Product.Where(f => f.Path.StartsWith("Hosting.Extensions/AspireMesh.Hosting/", StringComparison.Ordinal))
            .Where(f => NamespacesNamed(f).Any(n => n.StartsWith("AspireMesh.Simulator", StringComparison.Ordinal))).Select(f => f.Path).ToArray();
        Assert.True(files.Length <= 1, $"More than one file differs between the two hosts: {string.Join(", ", files)}");
    }

    /// <summary>Usings and dotted names in code; comments do not count.</summary>
    private static IEnumerable<string> NamespacesNamed(SourceFile file) => file.Tree.GetRoot().DescendantNodes()
        .Where(n => n is QualifiedNameSyntax or MemberAccessExpressionSyntax && n.Parent is not QualifiedNameSyntax and not MemberAccessExpressionSyntax)
        .Where(n => n.FirstAncestorOrSelf<BaseNamespaceDeclarationSyntax>()?.Name != n)
        .Select(n => n.ToString().Replace("global::", "", StringComparison.Ordinal))
        .Concat(file.Tree.GetRoot().DescendantNodes().OfType<UsingDirectiveSyntax>().Select(u => u.NamespaceOrType.ToString()));

    private static IEnumerable<string> References(string project)
    {
        var xml = XDocument.Load(project);
        foreach (var reference in xml.Descendants("ProjectReference"))
        {
            yield return Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));
        }

        if (xml.Descendants("UseAppModel").Any(e => e.Value == "true")) yield return "AppModel";
    }

    private static string FindProject(string name) => Directory.EnumerateFiles(RepositoryRoot.Find(), $"{name}.csproj", SearchOption.AllDirectories).Single();
}
