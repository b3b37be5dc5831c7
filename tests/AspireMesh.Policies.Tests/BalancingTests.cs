using System.Net;
using System.Net.Sockets;

namespace AspireMesh.Policies.Tests;

public sealed class BalancingTests
{
    private readonly PoliciesMesh mesh;

    public BalancingTests(PoliciesMesh mesh)
    {
        this.mesh = mesh;
#if !ASPIRE_SIMULATOR
        Assert.Skip("Under DCP the replicas of a project share one sidecar, and DCP balances connections behind it.");
#endif
    }

    [Fact]
    public async Task Round_robin_takes_each_replica_in_turn()
    {
        var answers = new List<string>();
        for (var i = 0; i < 9; i++) answers.Add(await PidAsync("turns"));
        Assert.Equal([3, 3, 3], answers.CountBy(a => a).Select(c => c.Value));
    }

    [Theory]
    [InlineData("random")]
    [InlineData("fewest")]
    [InlineData("warm")]
    [InlineData("tcpprobed")]
    public async Task Every_replica_is_chosen_sooner_or_later(string endpoint)
    {
        HashSet<string> seen = [];
        await mesh.UntilAsync(async () => { seen.Add(await PidAsync(endpoint)); return seen.Count == 3; }, "all replicas answered");
    }

    [Fact]
    public async Task The_same_user_meets_the_same_replica()
    {
        var first = await PidAsync("hashed", ("x-user", "ann"));
        for (var i = 0; i < 10; i++) Assert.Equal(first, await PidAsync("hashed", ("x-user", "ann")));
        HashSet<string> others = [];
        for (var i = 0; i < 40; i++) others.Add(await PidAsync("hashed", ("x-user", $"user-{i}")));
        Assert.Equal(3, others.Count);
    }

    [Theory]
    [InlineData("cookie")]
    [InlineData("query")]
    public async Task A_key_may_stand_in_a_cookie_or_in_the_query(string where)
    {
        Task<string> AsAsync(string user) => where == "cookie" ? PidAsync("cookie", ("Cookie", $"a=b; user={user}")) : PidAsync("query", $"/who/?user={user}");
        var first = await AsAsync("ann");
        for (var i = 0; i < 10; i++) Assert.Equal(first, await AsAsync("ann"));
        HashSet<string> others = [];
        for (var i = 0; i < 40; i++) others.Add(await AsAsync($"user-{i}"));
        Assert.Equal(3, others.Count);
    }

    [Fact]
    public async Task One_callers_address_meets_one_replica()
    {
        HashSet<string> seen = [];
        for (var i = 0; i < 10; i++) seen.Add(await PidAsync("source"));
        Assert.Single(seen);
    }

    [Fact]
    public async Task One_address_meets_one_replica_with_opaque_connections_too()
    {
        var listener = new Uri(await mesh.UrlAsync("many", "tcp"));
        HashSet<string> homes = [];
        for (var host = 1; host <= 30; host++)
        {
            var home = await PidOverTcpAsync(listener, host);
            for (var i = 0; i < 3; i++) Assert.Equal(home, await PidOverTcpAsync(listener, host));
            homes.Add(home);
        }
        Assert.Equal(3, homes.Count);
    }

    [Fact]
    public async Task A_replica_of_three_times_the_weight_gets_three_times_the_requests_until_somebody_says_otherwise()
    {
        Assert.Equal([9, 3], (await TurnsAsync(12)).Values.OrderDescending());
        await mesh.Admin.ApplyPoliciesAsync("""{ "workloads": [{ "name": "sized", "weights": { "sized-0": 0 } }] }""", mesh.Limit);
        await mesh.UntilAsync(async () => (await TurnsAsync(12)).Count == 1, "the replica without a weight gets nothing");
    }

    [Fact]
    public async Task A_subset_by_version_is_one_replica()
    {
        HashSet<string> seen = [];
        for (var i = 0; i < 10; i++) seen.Add(await PidAsync("subset"));
        Assert.Single(seen);
    }

    [Fact]
    public async Task The_replica_in_the_callers_zone_is_preferred()
    {
        HashSet<string> seen = [];
        for (var i = 0; i < 10; i++) seen.Add(await PidAsync("near"));
        Assert.Single(seen);
        Assert.NotEqual(await PidAsync("subset"), seen.Single());
    }

    [Fact]
    public async Task A_replica_whose_probe_fails_gets_nothing()
    {
        var bad = await PidAsync("probed");
        await MarkAsync("unready", bad);
        await mesh.UntilAsync(async () =>
        {
            for (var i = 0; i < 12; i++)
            {
                if (await PidAsync("probed") == bad) return false;
            }
            return true;
        }, "the replica is left out");
    }

    [Fact]
    public async Task A_replica_that_says_not_serving_over_grpc_gets_nothing_until_it_serves_again()
    {
        HashSet<string> serving = [];
        await mesh.UntilAsync(async () => { serving.Add(await PidOverHttp2Async()); return serving.Count == 3; }, "all replicas answered");
        var bad = serving.First();
        await MarkAsync("not-serving", bad);
        await mesh.UntilAsync(async () =>
        {
            for (var i = 0; i < 12; i++)
            {
                if (await PidOverHttp2Async() == bad) return false;
            }
            return true;
        }, "the replica is left out");
        await MarkAsync("not-serving", bad, "unmark");
        await mesh.UntilAsync(async () => await PidOverHttp2Async() == bad, "the replica is asked again");
    }

    [Fact]
    public async Task A_replica_that_answers_errors_is_ejected()
    {
        var bad = await PidAsync("turns");
        await MarkAsync("sick", bad);
        var failures = 0;
        for (var i = 0; i < 12; i++)
        {
            if ((await mesh.SendAsync("many", "ejected", "/unless/sick")).Status == 500) failures++;
        }
        Assert.Equal(1, failures);
    }

    [Theory]
    [InlineData("rated", "/unless/failing")]
    [InlineData("slowed", "/slow-if/slow")]
    [InlineData("gatewayed", "/unless/unreachable/502")]
    [InlineData("broken", "/break-if/breaking")]
    public async Task A_replica_that_fails_or_lags_behind_the_others_gets_nothing(string endpoint, string path)
    {
        var bad = await PidAsync("turns");
        await MarkAsync(path.Split('/')[2], bad);
        // Round robin reaches it in three requests, unless it is ejected.
        await mesh.UntilAsync(async () =>
        {
            for (var i = 0; i < 12; i++)
            {
                var answer = await mesh.SendAsync("many", endpoint, path);
                if (answer.Status != 200 || answer.Body == bad) return false;
            }
            return true;
        }, "the replica is left out");
    }

    private async Task<Dictionary<string, int>> TurnsAsync(int requests)
    {
        List<string> answers = [];
        for (var i = 0; i < requests; i++) answers.Add((await mesh.SendAsync("sized", "turns", "/who/")).Body);
        return answers.CountBy(a => a).ToDictionary();
    }

    /// <summary>Every address of 127.0.0.0/8 is this machine's.</summary>
    private async Task<string> PidOverTcpAsync(Uri listener, int host)
    {
        using var client = new TcpClient(new IPEndPoint(IPAddress.Parse($"127.0.0.{host}"), 0));
        await client.ConnectAsync(listener.Host, listener.Port, mesh.Limit);
        using var text = new StreamReader(client.GetStream());
        return await text.ReadToEndAsync(mesh.Limit);
    }

    /// <summary>Every replica hears it: round robin reaches each of the three in three requests, however many others ask meanwhile.</summary>
    private async Task MarkAsync(string key, string pid, string how = "mark")
    {
        HashSet<string> heard = [];
        await mesh.UntilAsync(async () => { heard.Add((await mesh.SendAsync("many", "turns", $"/{how}/{key}/{pid}")).Body); return heard.Contains(pid); }, "the replica heard it");
    }

    private async Task<string> PidOverHttp2Async()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, await mesh.UrlAsync("many", "grpcprobed") + "/who/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await mesh.Client.SendAsync(request, mesh.Limit);
        var body = await response.Content.ReadAsStringAsync(mesh.Limit);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode} {body}");
        return body.Split(' ')[1];
    }

    private Task<string> PidAsync(string endpoint, params (string Name, string Value)[] headers) => PidAsync(endpoint, "/who/", headers);

    private async Task<string> PidAsync(string endpoint, string path, params (string Name, string Value)[] headers)
    {
        var answer = await mesh.SendAsync("many", endpoint, path, "GET", headers);
        Assert.True(answer.Status == 200, $"{answer.Status} {answer.Error}");
        return answer.Body.Split(' ')[1];
    }
}
