using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace AspireMesh.Architecture.Tests;

/// <summary>A C# file of the repository, parsed.</summary>
internal sealed class SourceFile
{
    private static readonly string[] ProductFolders = ["MeshProxy", "MeshHost", "Hosting.Extensions", "Chaos"];
    private static readonly Lazy<SourceFile[]> AllFiles = new(() => [.. ProductFolders.Append("tests").Append("playground").SelectMany(Read)]);

    private SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
        Tree = CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview, preprocessorSymbols: ["ASPIRE_SIMULATOR"]));
    }

    /// <summary>From the repository's root, with forward slashes.</summary>
    public string Path { get; }

    public string Text { get; }

    public SyntaxTree Tree { get; }

    public int Lines => Tree.GetText().Lines.Count;

    public bool IsProduct => ProductFolders.Any(f => Path.StartsWith(f + "/", StringComparison.Ordinal));

    public static IReadOnlyList<SourceFile> All => AllFiles.Value;

    public static IEnumerable<SourceFile> Product => All.Where(f => f.IsProduct);

    /// <summary>Whether build output or a generated file.</summary>
    public static bool IsGenerated(string path) => path.Split('/').Any(part => part is "bin" or "obj" or "node_modules");

    private static IEnumerable<SourceFile> Read(string folder)
    {
        var root = RepositoryRoot.Find();
        var full = System.IO.Path.Combine(root, folder);
        if (!Directory.Exists(full)) return [];
        return Directory.EnumerateFiles(full, "*.cs", SearchOption.AllDirectories)
            .Select(f => (File: f, Path: System.IO.Path.GetRelativePath(root, f).Replace('\\', '/')))
            .Where(f => !IsGenerated(f.Path))
            .OrderBy(f => f.Path, StringComparer.Ordinal)
            .Select(f => new SourceFile(f.Path, File.ReadAllText(f.File)));
    }
}
