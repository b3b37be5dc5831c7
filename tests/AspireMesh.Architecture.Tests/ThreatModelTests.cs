using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AspireMesh.Architecture.Tests;

/// <summary>The page of the threat model names a test for every boundary, and every test it names is there.</summary>
public partial class ThreatModelTests
{
    private static readonly string[] Boundaries = ["app ↔ its sidecar", "sidecar ↔ sidecar", "sidecar ↔ control plane", "person ↔ admin API", "CI ↔ published chart"];

    [Fact]
    public void Every_boundary_names_tests_that_exist()
    {
        var rows = File.ReadAllLines(Path.Combine(RepositoryRoot.Find(), "docs/threat-model.md")).Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToArray();
        var tests = SourceFile.All.Where(f => f.Path.StartsWith("tests/", StringComparison.Ordinal))
            .SelectMany(f => f.Tree.GetRoot().DescendantNodes().OfType<MethodDeclarationSyntax>())
            .Where(m => m.AttributeLists.SelectMany(l => l.Attributes).Any(a => a.Name.ToString() is "Fact" or "Theory"))
            .Select(m => $"{(m.Parent as ClassDeclarationSyntax)?.Identifier.ValueText}.{m.Identifier.ValueText}").ToHashSet();

        var named = rows.ToDictionary(r => r.Split('|')[1].Trim(), r => TestName().Matches(r).Select(m => m.Groups[1].Value).ToArray());

        Problems.None(Boundaries.Except(named.Keys).Select(b => $"the boundary '{b}' is missing")
            .Concat(named.Where(n => n.Value.Length == 0).Select(n => $"'{n.Key}' names no test"))
            .Concat(named.SelectMany(n => n.Value).Where(t => !tests.Contains(t)).Select(t => $"there is no test {t}")));
    }

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex TestName();
}
