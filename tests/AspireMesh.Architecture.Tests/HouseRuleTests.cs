using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AspireMesh.Architecture.Tests;

public class HouseRuleTests
{
    private static readonly string[] NamelessFolders = ["Common", "Helpers", "Utils", "Utilities", "Misc", "Services"];

    [Fact]
    public void A_folder_is_named_after_a_step()
    {
        Problems.None(SourceFile.Product.Where(f => f.Path.Split('/').Any(NamelessFolders.Contains)).Select(f => f.Path));
    }

    [Fact]
    public void Nothing_is_left_for_later()
    {
        string[] marks = ["TODO", "HACK", "FIXME", "XXX:"];
        var notes = SourceFile.Product.SelectMany(f => f.Tree.GetRoot().DescendantTrivia(descendIntoTrivia: true).Where(t => !t.IsKind(SyntaxKind.EndOfLineTrivia) && !t.IsKind(SyntaxKind.WhitespaceTrivia))
            .Where(t => marks.Any(t.ToString().Contains)).Select(t => $"{f.Path}: {t}"));
        var stubs = SourceFile.Product.SelectMany(f => f.Tree.GetRoot().DescendantNodes().OfType<IdentifierNameSyntax>()
            .Where(n => n.Identifier.Text == nameof(NotImplementedException)).Select(_ => $"{f.Path}: {nameof(NotImplementedException)}"));
        Problems.None(notes.Concat(stubs));
    }

    /// <summary>An empty catch names the error it expects and says in a comment why nothing is left to do.</summary>
    [Fact]
    public void No_error_is_swallowed_without_a_word()
    {
        var silent = SourceFile.All.Where(f => f.IsProduct || f.Path.StartsWith("playground/", StringComparison.Ordinal))
            .SelectMany(f => f.Tree.GetRoot().DescendantNodes().OfType<CatchClauseSyntax>().Where(c => c.Block.Statements.Count == 0)
                .Where(c => c.Declaration is null || (c.Declaration.Type.ToString() == nameof(Exception) && c.Filter is null) || !c.Block.DescendantTrivia().Any(t => t.IsKind(SyntaxKind.SingleLineCommentTrivia)))
                .Select(c => $"{f.Path}:{f.Tree.GetLineSpan(c.Span).StartLinePosition.Line + 1}"));
        Problems.None(silent);
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var root = RepositoryRoot.Find();
        var solution = File.ReadAllText(Path.Combine(root, "AspireMesh.sln")).Replace('\\', '/');
        var missing = Directory.EnumerateFiles(root, "*.csproj", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root, f).Replace('\\', '/'))
            .Where(f => !SourceFile.IsGenerated(f) && !f.StartsWith("artifacts/", StringComparison.Ordinal) && !solution.Contains(f, StringComparison.Ordinal));
        Problems.None(missing);
    }

    [Fact]
    public void Every_test_project_has_a_test()
    {
        var root = RepositoryRoot.Find();
        var projects = Directory.EnumerateDirectories(Path.Combine(root, "tests"), "*.Tests").Select(Path.GetFileName);
        var empty = projects.Where(p => !SourceFile.All.Any(f => f.Path.StartsWith($"tests/{p}/", StringComparison.Ordinal)
            && f.Tree.GetRoot().DescendantNodes().OfType<AttributeSyntax>().Any(a => a.Name.ToString() is "Fact" or "Theory")));
        Problems.None(empty);
    }
}
