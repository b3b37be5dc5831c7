using System.Globalization;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>Runs the PostgreSQL of this machine in place of PostgreSQL's image, with the variables that the image knows.</summary>
internal static class InstalledPostgres
{
    private const string Versions = "/usr/lib/postgresql";

    // What the image's entry point does, for an empty data directory. The container's own files take the data, and go with it.
    private const string Script = """
        set -e
        here=${TMPDIR:-/tmp}; data=${PGDATA:-$here/pgdata}; user=${POSTGRES_USER:-postgres}; db=${POSTGRES_DB:-$user}
        [ -n "$POSTGRES_PASSWORD" ] || { echo 'POSTGRES_PASSWORD is empty: the image ends here as well'; exit 1; }
        mkdir -p "$data"; chmod 700 "$data"; printf '%s\n' "$POSTGRES_PASSWORD" > "$here/pgpassword"
        "$0/initdb" -D "$data" -U "$user" --pwfile="$here/pgpassword" --auth-local=trust --auth-host="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" -E UTF8 > /dev/null
        rm "$here/pgpassword"
        echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$data/pg_hba.conf"
        [ "$db" = postgres ] || printf 'CREATE DATABASE "%s";\n' "$db" | "$0/postgres" --single -D "$data" postgres > /dev/null
        listen='*'; [ -z "$ASPIREMESH_PORT_5432" ] || listen=127.0.0.1
        exec "$0/postgres" -D "$data" -p "${ASPIREMESH_PORT_5432:-5432}" -c listen_addresses="$listen" -c unix_socket_directories="$here"
        """;

    /// <summary>The command; null for another image, or where none is installed.</summary>
    public static ProgramCommand? For(string image)
    {
        var name = image[(image.LastIndexOf('/') + 1)..].Split(':', '@')[0];
        if (name != "postgres" || !Directory.Exists(Versions)) return null;
        var newest = Directory.EnumerateDirectories(Versions).Select(v => Path.Combine(v, "bin")).Where(b => File.Exists(Path.Combine(b, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault();
        var user = File.ReadLines("/etc/passwd").Select(l => l.Split(':')).FirstOrDefault(f => f[0] == "postgres")?[2];
        return newest is null || user is null ? null : new ProgramCommand(["sh", "-c", Script, newest], "/tmp", long.Parse(user, CultureInfo.InvariantCulture));
    }
}
