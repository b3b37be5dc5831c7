using AspireMesh.Chaos;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;

namespace AspireMesh.Containers.Tests;

/// <summary>Real servers in containers, untouched clients, and faults between them.</summary>
public sealed class ServersInContainersTests(ServerContainers servers) : IClassFixture<ServerContainers>
{
    [Theory]
    [InlineData(ServerContainers.Postgres, "reset", "NpgsqlException")]
    [InlineData(ServerContainers.Postgres, "hang", "NpgsqlException")]
    [InlineData(ServerContainers.Redis, "reset", "RedisConnectionException")]
    [InlineData(ServerContainers.Redis, "hang", "RedisConnectionException")]
    [InlineData(ServerContainers.Web, "abort", "503")]
    [InlineData(ServerContainers.Web, "truncate", "HttpRequestException")]
    public async Task A_server_in_a_container_is_hit_and_its_neighbours_are_not(string endpoint, string which, string seen)
    {
        var neighbour = endpoint == ServerContainers.Redis ? ServerContainers.Postgres : ServerContainers.Redis;
        servers.Need(endpoint);
        servers.Need(neighbour);
        var fault = which switch { "reset" => Faults.Reset(), "hang" => Faults.Hang(), "abort" => Faults.Abort(), _ => Faults.Truncate(4) };
        Assert.Equal("", await servers.AskAsync(endpoint));

        await using (var session = ChaosSession.Open(servers.Run))
        {
            await session.InjectAsync(ChaosEdge.Between("web", "api", endpoint), fault);
            // Nothing but its own limit ends the client of a server that hangs.
            Assert.StartsWith(seen, await servers.AskAsync(endpoint, which == "hang" ? 1 : 30), StringComparison.Ordinal);
            Assert.Equal("", await servers.AskAsync(neighbour));
        }

        Assert.Equal("", await servers.AskAsync(endpoint));
    }

    [Theory]
    [InlineData(false, Verdict.Held)]
    [InlineData(true, Verdict.Failed)]
    public async Task A_reader_with_a_second_source_survives_the_loss_of_the_first_and_of_no_more(bool both, Verdict verdict)
    {
        servers.Need(ServerContainers.Postgres);
        servers.Need(ServerContainers.Redis);
        var experiment = Experiment.Named("the cache may go")
            .Load(async _ => await servers.AskAsync(ServerContainers.Redis) == "" || await servers.AskAsync(ServerContainers.Postgres) == "", requests: 20, steady: 3)
            .Inject(ChaosEdge.Between("web", "api", ServerContainers.Redis), Faults.Reset(), o => o.Named("cache"))
            .Hypothesis(h => h.SuccessRateAtLeast(1).FiresAtLeast(1, "cache"));
        if (both) experiment = experiment.Inject(ChaosEdge.Between("web", "api", ServerContainers.Postgres), Faults.Reset(), o => o.Named("store"));

        await using var session = ChaosSession.Open(servers.Run);
        var result = await experiment.RunAsync(session);

        Assert.True(result.Verdict == verdict, ExperimentReport.ToMarkdown(result));
    }
}
