using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AspireMesh.Architecture.Tests;

/// <summary>The size guard: files of at most 400 lines, methods of at most 70, unless <c>allowed-sizes.txt</c> gives a reason.</summary>
public class SizeTests
{
    private const int MaxFileLines = 400;
    private const int MaxMethodLines = 70;

    [Fact]
    public void No_file_is_longer_than_400_lines()
    {
        var allowed = Allowed();
        var found = SourceFile.All.Where(f => f.Lines > MaxFileLines + 1 && !allowed.Contains(f.Path)).Select(f => $"{f.Path}: {f.Lines} lines");
        Problems.None(found);
    }

    [Fact]
    public void No_method_is_longer_than_70_lines()
    {
        var allowed = Allowed();
        var found = SourceFile.All.SelectMany(f => Methods(f).Where(m => m.Lines > MaxMethodLines && !allowed.Contains($"{f.Path}:{m.Name}")).Select(m => $"{f.Path}:{m.Name}: {m.Lines} lines"));
        Problems.None(found);
    }

    [Fact]
    public void Every_allowed_size_has_a_reason_and_is_still_needed()
    {
        var tooLong = SourceFile.All.SelectMany(f => Methods(f).Where(m => m.Lines > MaxMethodLines).Select(m => $"{f.Path}:{m.Name}"))
            .Concat(SourceFile.All.Where(f => f.Lines > MaxFileLines + 1).Select(f => f.Path)).ToHashSet();
        Assert.All(Entries(), entry =>
        {
            Assert.True(entry.Reason.Length > 10, $"'{entry.Name}' has no reason");
            Assert.Contains(entry.Name, tooLong);
        });
    }

    private static HashSet<string> Allowed() => [.. Entries().Select(e => e.Name)];

    /// <summary>Lines of "path[:method] reason".</summary>
    private static IEnumerable<(string Name, string Reason)> Entries() =>
        File.ReadLines(Path.Combine(RepositoryRoot.Find(), "tests", "AspireMesh.Architecture.Tests", "allowed-sizes.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 2, StringSplitOptions.TrimEntries)).Select(parts => (parts[0], parts.Length > 1 ? parts[1] : ""));

    private static IEnumerable<(string Name, int Lines)> Methods(SourceFile file)
    {
        foreach (var node in file.Tree.GetRoot().DescendantNodes())
        {
            var name = node switch
            {
                MethodDeclarationSyntax method => method.Identifier.Text,
                ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
                LocalFunctionStatementSyntax local => local.Identifier.Text,
                AccessorDeclarationSyntax accessor => accessor.Keyword.Text,
                _ => null,
            };
            if (name is null) continue;
            var span = file.Tree.GetLineSpan(node.Span);
            yield return (name, span.EndLinePosition.Line - span.StartLinePosition.Line + 1);
        }
    }
}
