using System.Collections.Immutable;
using System.Globalization;
using System.Net.Sockets;
using AspireMesh.Host.Tests.WholeMesh;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.TestKit;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Images;
using Npgsql;
using StackExchange.Redis;

namespace AspireMesh.Containers.Tests;

/// <summary>
/// Debian's PostgreSQL and Redis and an ahead-of-time published web server, each in a container of Testcontainers, all behind one sidecar; clients call through another. Made once for all tests.
/// </summary>
public sealed class ServerContainers : IAsyncLifetime
{
    /// <summary>The endpoints.</summary>
    public const string Web = "http", Postgres = "postgres", Redis = "redis";

    private const string StartPostgres = """
        #!/bin/sh
        set -e
        cd /tmp
        echo shop > password
        initdb -D /tmp/data -U shop --pwfile=password --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync
        echo 'host all all all scram-sha-256' >> /tmp/data/pg_hba.conf
        exec postgres -D /tmp/data -c listen_addresses='*' -c unix_socket_directories= -c fsync=off
        """;

    private readonly List<Started> _containers = [];
    private readonly Dictionary<string, string> _missing = [];
    private readonly Dictionary<string, int> _ports = [];
    private RealMesh? _mesh;

    /// <summary>The mesh's run file, for sessions.</summary>
    public RunFile Run => new() { AppHost = "shop", Pid = Environment.ProcessId, Admin = _mesh!.Control.AdminAddress, Token = _mesh.Control.AdminToken };

    /// <summary>The mesh's address of the web server.</summary>
    public Uri Front => _mesh!.Client.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        await ImportAsync(Web, WebRoot());
        await ImportAsync(Redis, RedisRoot());
        await ImportAsync(Postgres, PostgresRoot());
        if (_missing.Count == 3) return;
        // An engine refuses a client that is newer than itself. Said before Testcontainers is touched: it asks the engine once.
        Environment.SetEnvironmentVariable("DOCKER_API_VERSION", (await BoxImage.DockerAsync(Stream.Null, "version", "--format", "{{.Server.APIVersion}}")).Trim());
        // Its own tidying container would have to come from a registry; the containers end with the tests.
        TestcontainersSettings.ResourceReaperEnabled = false;
        await Task.WhenAll(StartAsync(Web, 8080, "/app"), StartAsync(Redis, 6379, "/usr/bin/redis-server", "--save", "", "--protected-mode", "no"), StartAsync(Postgres, 5432, "/bin/sh", "/start.sh"));
        foreach (var endpoint in new[] { Postgres, Redis }) _ports[endpoint] = FreePort.Next();
        _mesh = await RealMesh.StartAsync(model => model with
        {
            ChaosEnabled = true,
            Workloads = [.. model.Workloads.Select(w => w.Name == "api" ? w with { Endpoints = [.. w.Endpoints, .. _ports.Keys.Select(e => new EndpointModel { Name = e, Protocol = AppProtocol.Tcp })] } : w)],
            Edges = [.. model.Edges, .. _ports.Select(p => new EdgeModel { From = "web", To = "api", Endpoint = p.Key, Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{p.Value}") })],
        });
        foreach (var container in _containers) _mesh.Control.SetAppAddress("api", "api", container.Name, container.Address);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        foreach (var container in _containers)
            while (await AskAsync(container.Name) is { Length: > 0 }) await look.WaitForNextTickAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_mesh is not null) await _mesh.DisposeAsync();
        foreach (var container in _containers) await container.Real.DisposeAsync();
    }

    /// <summary>Skips the test, with the reason, where a server could not be had.</summary>
    public void Need(string endpoint) => Assert.SkipWhen(_missing.ContainsKey(endpoint), _missing.GetValueOrDefault(endpoint, ""));

    /// <summary>Asks a server through the mesh, as its usual client does; empty for the right answer, else what the client said.</summary>
    public async Task<string> AskAsync(string endpoint, int seconds = 30)
    {
        try
        {
            return endpoint switch
            {
                Web => await AskWebAsync(),
                Redis => await AskRedisAsync(seconds),
                _ => await AskPostgresAsync(seconds),
            };
        }
        catch (Exception e) when (e is NpgsqlException or RedisException or HttpRequestException or TimeoutException or SocketException)
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    private async Task<string> AskWebAsync()
    {
        using var response = await _mesh!.Client.GetAsync("/");
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode && text == "ahead of time" ? "" : $"{(int)response.StatusCode} {text}";
    }

    private async Task<string> AskRedisAsync(int seconds)
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions { EndPoints = { { "127.0.0.1", _ports[Redis] } }, ConnectTimeout = seconds * 1000, AsyncTimeout = seconds * 1000, ConnectRetry = 1 });
        return await redis.GetDatabase().StringIncrementAsync("asked") > 0 ? "" : "wrong";
    }

    private async Task<string> AskPostgresAsync(int seconds)
    {
        await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={_ports[Postgres]};Username=shop;Password=shop;Database=postgres;SSL Mode=Disable;Pooling=false;Timeout={seconds};Command Timeout={seconds}");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select 40 + 2", connection);
        return await command.ExecuteScalarAsync() is 42 ? "" : "wrong";
    }

    private static string ImageOf(string name) => $"aspiremesh-testcontainers-{name}:1";

    private async Task ImportAsync(string name, (InstalledRoot? Root, string Missing) from)
    {
        if ((from.Root is null ? from.Missing : await from.Root.ImportAsync(ImageOf(name))) is { } problem) _missing[name] = problem;
    }

    private async Task StartAsync(string name, int port, string program, params string[] arguments)
    {
        if (_missing.ContainsKey(name)) return;
        var container = new ContainerBuilder(ImageOf(name)).WithImagePullPolicy(PullPolicy.Never).WithEntrypoint(program).WithCommand(arguments)
            .WithEnvironment("PATH", "/bin:/usr/bin:" + InstalledPostgres.FindFolder()).WithCreateParameterModifier(static p => p.User = "70:70")
            .WithAutoRemove(true).WithCleanUp(false).Build();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await container.StartAsync(limit.Token);
        lock (_containers) _containers.Add(new(name, string.Create(CultureInfo.InvariantCulture, $"{container.IpAddress}:{port}"), container));
    }

    private static (InstalledRoot?, string) WebRoot() =>
        Environment.GetEnvironmentVariable("ASPIREMESH_CONTAINER_APP") is { Length: > 0 } app && File.Exists(app)
            ? (InstalledRoot.Create()?.Program(app, "app"), NoShell)
            : (null, "No ahead-of-time published server. Type: dotnet publish tests/AspireMesh.ContainerApp -c Release -r linux-x64 -p:PublishAot=true -o DIR, and name DIR/AspireMesh.ContainerApp in ASPIREMESH_CONTAINER_APP");

    private static (InstalledRoot?, string) RedisRoot()
    {
        // Debian's redis-tools has the server's program too, under the name of a checker.
        var program = new[] { "/usr/bin/redis-server", "/usr/bin/redis-check-rdb" }.FirstOrDefault(File.Exists);
        return program is null ? (null, "No Redis on this machine. Install it: apt-get install redis-tools") : (InstalledRoot.Create()?.Program(program, "usr/bin/redis-server"), NoShell);
    }

    private static (InstalledRoot?, string) PostgresRoot()
    {
        if (InstalledPostgres.FindFolder() is not { } bin) return (null, InstalledPostgres.Missing!);
        var version = Path.GetFileName(Path.GetDirectoryName(bin)!);
        return (InstalledRoot.Create()?.Program($"{bin}/postgres").Program($"{bin}/initdb").Libraries($"/usr/lib/postgresql/{version}/lib", ".so").Folder($"/usr/share/postgresql/{version}").Text("start.sh", StartPostgres), NoShell);
    }

    private const string NoShell = "No busybox for the container's root. Install it: apt-get install busybox-static";

    private sealed record Started(string Name, string Address, IContainer Real);
}
