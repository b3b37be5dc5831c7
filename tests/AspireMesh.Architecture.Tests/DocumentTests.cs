using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace AspireMesh.Architecture.Tests;

/// <summary>What the documents say is still true.</summary>
public partial class DocumentTests
{
    private const string DiagnosticsPage = "docs/diagnostics.md";
    private const string AcceptVariable = "ASPIREMESH_ACCEPT";

    /// <summary>Types of other people's that our documents speak of.</summary>
    private static readonly HashSet<string> Foreign =
    [
        "NativeAOT", "OpenTelemetry", "PostgreSQL", "SQLite", "WebSocket", "WebSockets", "StatefulSet", "ConfigMap", "EndpointSlice", "EndpointSlices", "NetworkPolicy", "ServiceAccount",
        "TokenReview", "GitHub", "YarpReverseProxy", "SChannel",
    ];

    [Fact]
    public void The_page_of_diagnostics_is_the_list_of_diagnostics()
    {
        var file = Path.Combine(RepositoryRoot.Find(), DiagnosticsPage);
        var expected = DiagnosticsDocument.Render();
        if (Environment.GetEnvironmentVariable(AcceptVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, expected);
        }

        Assert.True(File.Exists(file) && File.ReadAllText(file).ReplaceLineEndings("\n") == expected,
            $"{DiagnosticsPage} does not say what MeshDiagnostics says. Write it anew: {AcceptVariable}=1 dotnet test --project tests/AspireMesh.Architecture.Tests");
    }

    [Fact]
    public void Every_diagnostic_is_reported_somewhere()
    {
        var used = SourceFile.Product.Where(f => !f.Path.EndsWith("/MeshDiagnostics.cs", StringComparison.Ordinal))
            .SelectMany(f => f.Tree.GetRoot().DescendantTokens().Where(t => t.IsKind(SyntaxKind.IdentifierToken)).Select(t => t.ValueText)).ToHashSet();
        // The build's own problems are reported by its targets.
        var targets = string.Concat(Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Find(), "build"), "*.targets", SearchOption.AllDirectories).Where(f => !SourceFile.IsGenerated(f)).Select(File.ReadAllText));
        Problems.None(DiagnosticsDocument.Names().Where(name => !used.Contains(name) && !targets.Contains($"Code=\"{DiagnosticsDocument.IdOf(name)}\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_type_named_in_a_document_exists()
    {
        var known = SourceFile.All.SelectMany(f => f.Tree.GetRoot().DescendantTokens().Where(t => t.IsKind(SyntaxKind.IdentifierToken)).Select(t => t.ValueText))
            .Concat(NamesOfTheBuild()).ToHashSet();
        var missing = Documents().SelectMany(d => CodeSpan().Matches(d.Text).Select(m => m.Groups[1].Value).Where(name => LooksLikeType().IsMatch(name))
            .Where(name => !known.Contains(name) && !Foreign.Contains(name)).Select(name => $"{d.Path}: {name}"));
        Problems.None(missing.Distinct());
    }

    [Fact]
    public void Every_csharp_block_of_a_document_is_a_compiled_snippet()
    {
        var snippets = SourceFile.All.Where(f => f.Path.StartsWith("tests/", StringComparison.Ordinal) && f.Path.Contains("/Snippets/", StringComparison.Ordinal))
            .SelectMany(f => Region().Matches(f.Text).Select(m => Squeeze(m.Groups["body"].Value))).ToHashSet();
        var missing = Documents().SelectMany(d => CSharpBlock().Matches(d.Text).Select(m => m.Groups["body"].Value).Where(body => !snippets.Contains(Squeeze(body))).Select(body => $"{d.Path}: {body.Trim().Split('\n')[0]}"));
        Problems.None(missing);
    }

    [Fact]
    public void A_link_between_our_files_leads_somewhere()
    {
        var root = RepositoryRoot.Find();
        var broken = Documents().SelectMany(d => Link().Matches(d.Text).Select(m => m.Groups["target"].Value.Split('#')[0]).Where(t => t.Length > 0 && !t.Contains("://", StringComparison.Ordinal) && !t.StartsWith("mailto:", StringComparison.Ordinal))
            .Where(t => !Path.Exists(Path.Combine(root, Path.GetDirectoryName(d.Path) ?? "", t))).Select(t => $"{d.Path}: {t}"));
        Problems.None(broken);
    }

    [Fact]
    public void No_document_names_a_place_on_the_machine_it_was_written_on()
    {
        string[] places = ["/work/", "/farm", "/root/"];
        Problems.None(Documents().SelectMany(d => places.Where(p => d.Text.Contains(p, StringComparison.Ordinal)).Select(p => $"{d.Path}: {p}")));
    }

    /// <summary>Folders at the top, and the properties of the build.</summary>
    private static IEnumerable<string> NamesOfTheBuild()
    {
        var root = RepositoryRoot.Find();
        return Directory.EnumerateDirectories(root).Select(f => Path.GetFileName(f)!)
            .Concat(new[] { "Directory.Build.props", "Directory.Build.targets" }.SelectMany(f => XDocument.Load(Path.Combine(root, f)).Descendants().Select(e => e.Name.LocalName)));
    }

    private static string Squeeze(string code) => Whitespace().Replace(code, "");

    private static IEnumerable<(string Path, string Text)> Documents()
    {
        var root = RepositoryRoot.Find();
        return Directory.EnumerateFiles(root, "*.md", SearchOption.AllDirectories).Select(f => (Path: Path.GetRelativePath(root, f).Replace('\\', '/'), File: f))
            .Where(f => !SourceFile.IsGenerated(f.Path) && !f.Path.StartsWith("artifacts/", StringComparison.Ordinal)).Select(f => (f.Path, File.ReadAllText(f.File)));
    }

    [GeneratedRegex("`([^`\\s]+)`")]
    private static partial Regex CodeSpan();

    /// <summary>Two humps at least, so that "Redis" and "Order" stay ordinary words.</summary>
    [GeneratedRegex(@"^([A-Z][a-z0-9]+){2,}$")]
    private static partial Regex LooksLikeType();

    [GeneratedRegex(@"#region \w+\r?\n(?<body>.*?)#endregion", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"^```(csharp|cs|c#)\s*\r?\n(?<body>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();
}
