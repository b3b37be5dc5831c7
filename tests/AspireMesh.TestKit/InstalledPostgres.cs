using System.Diagnostics;
using System.Globalization;

namespace AspireMesh.TestKit;

/// <summary>The PostgreSQL of this machine, started as the shop starts it: a data folder of its own, gone when it ends.</summary>
public sealed class InstalledPostgres : IAsyncDisposable
{
    // It ends with its input, so also when the test process is killed.
    private const string Script = "sh \"$0\" \"$1\" & server=$!; cat > /dev/null; kill -TERM $server; wait $server";

    private readonly Process _process;

    private InstalledPostgres(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>On loopback.</summary>
    public int Port { get; }

    /// <summary>User, password and database, as Npgsql wants them.</summary>
    public static string Login => "Username=shop;Password=shop;Database=shop;SSL Mode=Disable";

    /// <summary>Why there is none; null where there is one.</summary>
    public static string? Missing => FindFolder() is null ? "no PostgreSQL installed (apt-get install postgresql)" : null;

    /// <summary>Starts it. It takes connections a moment later.</summary>
    /// <param name="repository">The repository's root.</param>
    public static InstalledPostgres Start(string repository)
    {
        var port = FreePort.Next();
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, Path.Combine(repository, "playground", "Shop.Postgres", "start.sh"), FindFolder()!]) { RedirectStandardInput = true };
        foreach (var name in new[] { "PGUSER", "PGPASSWORD", "PGDATABASE" }) start.Environment[name] = "shop";
        start.Environment["PGPORT"] = port.ToString(CultureInfo.InvariantCulture);
        return new InstalledPostgres(Process.Start(start)!, port);
    }

    /// <summary>The folder of its programs, the newest version's; null for none.</summary>
    public static string? FindFolder() => !Directory.Exists("/usr/lib/postgresql") ? null : Directory.GetDirectories("/usr/lib/postgresql")
        .OrderByDescending(d => double.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var version) ? version : 0)
        .Select(d => Path.Combine(d, "bin")).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
