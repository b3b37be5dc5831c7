namespace AspireMesh.Architecture.Tests;

public class RepositoryTests
{
    [Fact]
    public void Only_the_agreed_folders_and_files_stand_at_the_top()
    {
        var root = RepositoryRoot.Find();
        var names = Directory.GetFileSystemEntries(root).Select(Path.GetFileName).Where(n => n is not ".git" and not "artifacts" and not ".vs" and not ".idea" and not "TestResults");
        string[] agreed =
        [
            ".ci", ".editorconfig", ".gitignore", "AspireMesh.sln", "Chaos", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props",
            "Hosting.Extensions", "LICENSE", "MeshHost", "MeshProxy", "README.md", "build", "docs", "global.json", "playground", "tests",
        ];
        Problems.None(names.Except(agreed));
    }
}
