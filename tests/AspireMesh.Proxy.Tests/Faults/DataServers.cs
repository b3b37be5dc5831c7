using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.TestKit;
using Garnet;
using Npgsql;
using StackExchange.Redis;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>A PostgreSQL and a Redis-protocol server behind one pair of sidecars, and what their usual clients see through it.</summary>
public sealed class DataServers : IAsyncLifetime
{
    private readonly int _redisPort = FreePort.Next();
    private GarnetServer? _redis;
    private InstalledPostgres? _postgres;
    private SidecarPair? _pair;

    /// <summary>The endpoints' names.</summary>
    public const string Postgres = "postgres", Redis = "redis";

    public async ValueTask InitializeAsync()
    {
        _redis = new GarnetServer(["--port", $"{_redisPort}", "--bind", "127.0.0.1", "--memory", "64m", "--page", "1m", "--index", "1m"]);
        _redis.Start();
        if (InstalledPostgres.Missing is null) _postgres = InstalledPostgres.Start(FindRepository());
        _pair = await SidecarPair.StartAsync(new SidecarPairOptions
        {
            Protocol = AppProtocol.Tcp,
            App = $"127.0.0.1:{_redisPort}",
            EditCallee = s => s with
            {
                Inbound = s.Inbound with
                {
                    Endpoints = [s.Inbound.Endpoints[0] with { Name = Redis }, s.Inbound.Endpoints[0] with { Name = Postgres, App = $"127.0.0.1:{_postgres?.Port ?? 1}" }],
                },
            },
            EditCaller = s => s with
            {
                Outbound = [.. new[] { Redis, Postgres }.Select(e => s.Outbound[0] with { Name = e, Endpoint = e, Cluster = e, Listen = $"127.0.0.1:{FreePort.Next()}" })],
                Clusters = [.. new[] { Redis, Postgres }.Select(e => s.Clusters[0] with { Name = e, Endpoint = e })],
            },
        });
        using (var direct = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_redisPort}")) await direct.GetDatabase().StringSetAsync("answer", "42");
        using var limit = new CancellationTokenSource(FaultPair.Patience);
        while (_postgres is not null && await AskPostgresAsync(_postgres.Port, 30) != "works") await Task.Delay(50, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_pair is not null) await _pair.DisposeAsync();
        if (_postgres is not null) await _postgres.DisposeAsync();
        _redis?.Dispose();
    }

    /// <summary>Puts a fault in force, or takes all away; gives how often it fired when asked.</summary>
    internal async Task<Func<int>> ApplyAsync(FaultRule? rule)
    {
        int Fires() => rule is null ? 0 : _pair!.CallerEvents.Faults.Count(f => f == rule.Id);
        var before = Fires();
        await _pair!.ApplyCallerAsync(_pair.CallerSnapshot with { Faults = rule is null ? [] : [rule] });
        return () => Fires() - before;
    }

    /// <summary>What a client of an endpoint sees that connects now: <c>works</c>, <c>broken</c>, or <c>late</c> where its own time limit ended it.</summary>
    internal Task<string> AskAsync(string endpoint, int seconds)
    {
        var port = int.Parse(_pair!.CallerSnapshot.Outbound.Single(o => o.Endpoint == endpoint).Listen.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        return endpoint == Postgres ? AskPostgresAsync(port, seconds) : AskRedisAsync(port, seconds);
    }

    private static async Task<string> AskPostgresAsync(int port, int seconds)
    {
        try
        {
            await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={port};{InstalledPostgres.Login};Pooling=false;Timeout={seconds};Command Timeout={seconds}");
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("select 40 + 2", connection);
            return await command.ExecuteScalarAsync() is 42 ? "works" : "wrong";
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
        {
            return e is TimeoutException || e.InnerException is TimeoutException ? "late" : "broken";
        }
    }

    private static async Task<string> AskRedisAsync(int port, int seconds)
    {
        try
        {
            using var redis = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions
            {
                EndPoints = { { "127.0.0.1", port } },
                ConnectTimeout = seconds * 1000,
                AsyncTimeout = seconds * 1000,
                ConnectRetry = 1,
            });
            return await redis.GetDatabase().StringGetAsync("answer") == "42" ? "works" : "wrong";
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // It says that it could not connect, whatever came in between.
            return "broken";
        }
    }

    private static string FindRepository()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not built inside the repository"))
            if (File.Exists(Path.Combine(folder, "AspireMesh.sln"))) return folder;
    }
}
