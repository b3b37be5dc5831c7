using System.Runtime.CompilerServices;

namespace AspireMesh.Hosting.Kubernetes.Tests;

/// <summary>
/// Reviewed output, one file per object under <c>Snapshots/</c>. A difference fails with the first differing line of each file.
/// <c>UPDATE_SNAPSHOTS=1 dotnet test</c> rewrites the files for review; it is never set in CI.
/// </summary>
internal static class Snapshots
{
    public static void Verify(string name, Dictionary<string, string> files, [CallerFilePath] string caller = "")
    {
        var root = Path.GetDirectoryName(caller)!;
        while (!File.Exists(Path.Combine(root, "AspireMesh.Hosting.Kubernetes.Tests.csproj"))) root = Path.GetDirectoryName(root)!;
        var folder = Path.Combine(root, "Snapshots", name);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            foreach (var (file, text) in files)
            {
                var path = Path.Combine(folder, Verified(file));
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, text);
            }
            return;
        }
        var problems = new List<string>();
        foreach (var (file, text) in files) Compare(folder, file, text, problems);
        var expected = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.verified.*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)) : [];
        problems.AddRange(expected.Except(files.Keys.Select(Verified)).Select(f => $"{f} is reviewed but is no longer produced"));
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    private static string Verified(string file) => Path.Combine(Path.GetDirectoryName(file)!, $"{Path.GetFileNameWithoutExtension(file)}.verified{Path.GetExtension(file)}");

    private static void Compare(string folder, string file, string text, List<string> problems)
    {
        var path = Path.Combine(folder, Verified(file));
        if (!File.Exists(path))
        {
            problems.Add($"{file} is new and not reviewed: UPDATE_SNAPSHOTS=1 dotnet test writes it");
            return;
        }
        var expected = File.ReadAllText(path).Split('\n');
        var actual = text.Split('\n');
        for (var i = 0; i < Math.Max(expected.Length, actual.Length); i++)
        {
            var (was, now) = (i < expected.Length ? expected[i] : "<end>", i < actual.Length ? actual[i] : "<end>");
            if (was == now) continue;
            problems.Add($"{file} line {i + 1}: reviewed '{was}', produced '{now}'");
            return;
        }
    }
}
