using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>Other people's load generators, unchanged, through two sidecars.</summary>
public abstract class OpaqueProtocolTests(ShopFixture fixture)
{
    [Fact]
    public async Task Pgbench_runs_unchanged()
    {
        Machine.NeedPostgres();
        var pgbench = Machine.NeedProgram("pgbench", "postgresql-contrib");
        var shop = await fixture.GetAsync();
        var (host, port) = await OutboundAsync(shop, "inventory", "postgres");
        var password = new Dictionary<string, string> { ["PGPASSWORD"] = RunningShop.PostgresPassword };

        var made = await BesideAsync(shop, "inventory", pgbench, password, "-i", "-q", "-h", host, "-p", port, "-U", "shop", "shop");
        Assert.True(made.ExitCode == 0, made.ToString());
        var run = await BesideAsync(shop, "inventory", pgbench, password, "-c", "4", "-t", "100", "-n", "-h", host, "-p", port, "-U", "shop", "shop");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("number of transactions actually processed: 400/400", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_benchmark_runs_unchanged()
    {
        var benchmark = Machine.NeedProgram("redis-benchmark", "redis-tools");
        var shop = await fixture.GetAsync();
        var (host, port) = await OutboundAsync(shop, "catalog", "cache");
        var run = await BesideAsync(shop, "catalog", benchmark, new Dictionary<string, string>(), "-h", host, "-p", port, "-n", "5000", "-c", "20", "-P", "4", "-t", "set,get,incr", "-d", "512", "--csv");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.All(["SET", "GET", "INCR"], command => Assert.Contains($"\"{command}\",", run.Output, StringComparison.Ordinal));
    }

    private static Task<ProgramRun> BesideAsync(RunningShop shop, string workload, string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        string[] words = [.. shop.Beside(workload), program, .. arguments];
        return ProgramRun.RunAsync(words[0], environment, words[1..]);
    }

    private static async Task<(string Host, string Port)> OutboundAsync(RunningShop shop, string from, string to)
    {
        var edge = (await shop.StatusAsync()).Edges.Single(e => e.From == from && e.To == to);
        Assert.Equal("tcp", edge.Protocol);
        var parts = edge.Outbound!.Split(':');
        return (parts[0], parts[1]);
    }
}

/// <summary>The shop by its AppHost.</summary>
[Collection(SharedShopCollection.Name)]
public sealed class SharedOpaqueProtocolTests(SharedShop fixture) : OpaqueProtocolTests(fixture);

/// <summary>The shop by its chart.</summary>
[Collection(ShopRehearsalCollection.Name)]
public sealed class RehearsedOpaqueProtocolTests(ShopRehearsal fixture) : OpaqueProtocolTests(fixture);
