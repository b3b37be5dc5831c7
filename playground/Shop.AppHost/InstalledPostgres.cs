namespace Shop.AppHost;

/// <summary>The PostgreSQL server programs of this machine. Debian keeps them off PATH, one folder per major version.</summary>
internal static class InstalledPostgres
{
    private const string DebianFolder = "/usr/lib/postgresql";

    /// <summary>The folder that holds <c>initdb</c> and <c>postgres</c>, the newest version first; null when there is none, or no <c>/bin/sh</c> to start them with.</summary>
    public static string? FindFolder()
    {
        if (!File.Exists("/bin/sh")) return null;
        var versions = Directory.Exists(DebianFolder)
            ? Directory.GetDirectories(DebianFolder).OrderByDescending(d => double.TryParse(Path.GetFileName(d), out var version) ? version : 0).Select(d => Path.Combine(d, "bin"))
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return versions.Concat(path).FirstOrDefault(f => File.Exists(Path.Combine(f, "initdb")) && File.Exists(Path.Combine(f, "postgres")));
    }
}
