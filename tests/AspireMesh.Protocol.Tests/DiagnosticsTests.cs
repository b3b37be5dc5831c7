using System.Text.RegularExpressions;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Protocol.Tests;

public class DiagnosticsTests
{
    [Fact]
    public void Every_id_is_there_once_in_order_and_says_what_to_do()
    {
        var ids = MeshDiagnostics.All.Select(d => d.Id).ToArray();

        Assert.All(ids, id => Assert.Matches("^MESH[0-9]{4}$", id));
        Assert.Equal(ids.Distinct(), ids);
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.All(MeshDiagnostics.All, d => Assert.True(d.Title.Length > 10 && d.WhatToDo.EndsWith('.') | d.WhatToDo.Contains(": "), $"{d.Id}: '{d.Title}', '{d.WhatToDo}'"));
    }

    [Fact]
    public void Every_id_that_product_code_writes_is_in_the_list()
    {
        var known = MeshDiagnostics.All.Select(d => d.Id).ToHashSet();
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "AspireMesh.sln"))) root = Path.GetDirectoryName(root)!;
        string[] folders = ["MeshProxy", "MeshHost", "Hosting.Extensions", "Chaos", "build"];

        var written = folders.Select(f => Path.Combine(root, f)).Where(Directory.Exists)
            .SelectMany(f => Directory.EnumerateFiles(f, "*.*", SearchOption.AllDirectories))
            .Where(f => f.EndsWith(".cs", StringComparison.Ordinal) || f.EndsWith(".targets", StringComparison.Ordinal))
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !f.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(f => Regex.Matches(File.ReadAllText(f), "MESH[0-9]{4}").Select(m => m.Value))
            .ToHashSet();

        Assert.Empty(written.Except(known));
    }
}
