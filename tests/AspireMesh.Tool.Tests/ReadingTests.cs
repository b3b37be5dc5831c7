using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using AspireMesh.Host.Tests;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Tool.Tests;

public class ReadingTests
{
    [Fact]
    public async Task Check_names_every_sidecar_that_has_not_joined_and_the_next_line_to_type()
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync();

        var result = await fixture.RunAsync("check");

        Assert.Equal(1, result.Code);
        Assert.Equal(3, result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("Sidecar 'api' has not joined yet. Look at its log, then type: aspiremesh check --wait 30 [MESH0403]", result.Error);
    }

    [Fact]
    public async Task Check_waits_until_the_last_sidecar_is_there_and_exits_0()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();

        var check = fixture.RunAsync("check", "--wait", "60");
        foreach (var instance in new[] { "web", "api", "cache" }) await fixture.ConnectAsync(mesh, instance);
        var result = await check;

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.StartsWith("ok:", result.Out);
    }

    [Fact]
    public async Task Without_a_running_mesh_every_command_says_how_to_start_one()
    {
        await using var fixture = new ToolFixture();

        foreach (var command in new[] { "check", "status", "routes", "stat", "tap", "certs" })
        {
            var result = await fixture.RunAsync(command);
            Assert.Equal(1, result.Code);
            Assert.Contains("dotnet run --project", result.Error);
            Assert.Contains("MESH0400", result.Error);
        }
    }

    [Fact]
    public async Task With_several_meshes_one_has_to_be_named()
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync(name: "shop");
        // One process can hold several meshes in tests only; its run files differ by name.
        await fixture.StartAsync(name: "bank");

        var none = await fixture.RunAsync("status");
        var wrong = await fixture.RunAsync("status", "--mesh", "zoo");
        var right = await fixture.RunAsync("status", "--mesh", "bank");

        Assert.Equal((1, 1, 0), (none.Code, wrong.Code, right.Code));
        Assert.Contains("Several meshes are running: bank, shop. Choose one: --mesh bank [MESH0401]", none.Error);
        Assert.Contains("No mesh 'zoo' is running", wrong.Error);
    }

    [Fact]
    public async Task The_run_file_of_a_dead_process_is_removed_and_not_found()
    {
        await using var fixture = new ToolFixture();
        var file = Path.Combine(fixture.RunDirectory, "gone.999999999.json");
        await File.WriteAllTextAsync(file, """{"appHost":"gone","pid":999999999,"admin":"http://127.0.0.1:1","token":"t"}""");

        var result = await fixture.RunAsync("status");

        Assert.Equal(1, result.Code);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task The_run_file_is_readable_by_its_owner_only_and_goes_with_the_mesh()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        var file = Assert.Single(Directory.GetFiles(fixture.RunDirectory));

        Assert.Equal($"shop.{Environment.ProcessId}.json", Path.GetFileName(file));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await mesh.DisposeAsync();
        Assert.Empty(Directory.GetFiles(fixture.RunDirectory));
    }

    [Fact]
    public async Task Status_as_json_has_the_shape_that_scripts_rely_on()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        await fixture.ConnectAsync(mesh, "web");

        using var status = JsonDocument.Parse((await fixture.RunAsync("status", "--json")).Out);
        var root = status.RootElement;

        Assert.Equal(("shop.mesh", "strict"), (root.GetProperty("trustDomain").GetString(), root.GetProperty("mtls").GetString()));
        string[] workload = ["name", "identity", "inbound", "admin", "snapshot", "svidExpires", "healthy", "problems"];
        Assert.Equal(workload, root.GetProperty("workloads")[0].EnumerateObject().Select(p => p.Name));
        string[] edge = ["from", "to", "endpoint", "protocol", "outbound", "mtls", "requests", "failures", "p50Ms", "p99Ms"];
        Assert.Equal(edge, root.GetProperty("edges")[0].EnumerateObject().Select(p => p.Name));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("edges")[0].GetProperty("mtls").ValueKind);
        Assert.Equal("127.0.0.1:1010", root.GetProperty("edges")[0].GetProperty("outbound").GetString());
    }

    [Fact]
    public async Task Routes_shows_what_leads_in_from_outside_too()
    {
        await using var fixture = new ToolFixture();
        var gateway = new GatewayModel
        {
            Name = "front", Workload = "web", Endpoint = "http", Listen = "127.0.0.1:1444",
            Routes = [new GatewayRoute { Match = new RouteMatch { Path = new StringMatch(StringMatchKind.Prefix, "/api") }, Workload = "api", Endpoint = "http" }],
        };
        var mesh = await fixture.StartAsync(Meshes.Shop with { Gateways = [gateway] });
        await fixture.ConnectAsync(mesh, "web");

        using var routes = JsonDocument.Parse((await fixture.RunAsync("routes", "--from", "outside", "--json")).Out);

        Assert.Equal(["front-0 path /api* api.http", "default  web.http"], routes.RootElement.EnumerateArray().Select(r => $"{r.GetProperty("route")} {r.GetProperty("match")} {r.GetProperty("legs")[0].GetProperty("cluster")}"));
        Assert.All(routes.RootElement.EnumerateArray(), r => Assert.Equal(("outside", "front", "127.0.0.1:1444"), (r.GetProperty("from").GetString(), r.GetProperty("to").GetString(), r.GetProperty("listen").GetString())));
        Assert.Contains("deadline 15 s", (await fixture.RunAsync("routes", "--to", "front")).Out);
    }

    [Fact]
    public async Task Tables_show_what_the_json_says()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        var web = await fixture.ConnectAsync(mesh, "web");
        await web.ReportAsync(new SidecarReport { Edges = [new EdgeReport { To = "api", Endpoint = "http", Mtls = true, Requests = 41, Failures = 1, Attempts = 43, Latency = [] }] });
        await UntilAsync(() => mesh.GetStat()[0].Requests == 41);

        var status = await fixture.RunAsync("status");
        var routes = await fixture.RunAsync("routes", "--from", "web");
        var stat = await fixture.RunAsync("stat");
        var certs = await fixture.RunAsync("certs");

        Assert.Contains("spiffe://shop.mesh/ns/default/sa/web", status.Out);
        Assert.Contains("deadline 15 s, retries 2", routes.Out);
        Assert.Contains("api=127.0.0.1:1100", routes.Out);
        Assert.Contains("41", stat.Out);
        Assert.Contains("joins: accepted 1", certs.Out);
    }

    [Fact]
    public async Task Config_shows_the_snapshot_and_hides_the_key_of_a_gateway()
    {
        await using var fixture = new ToolFixture();
        var pem = GatewayCertificate.Pem();
        await fixture.StartAsync(Meshes.Shop with
        {
            Gateways = [new GatewayModel { Name = "front", Workload = "web", Endpoint = "http", Listen = "127.0.0.1:1020", CertificatePem = pem }],
        });

        var result = await fixture.RunAsync("config", "web");

        Assert.Equal(0, result.Code);
        Assert.Contains("\"instance\": \"web\"", result.Out);
        Assert.DoesNotContain("PRIVATE KEY", result.Out);
        Assert.Contains("(hidden)", result.Out);
    }

    [Fact]
    public async Task Config_of_a_workload_with_several_sidecars_asks_for_one()
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync(Meshes.Shop.WithWorkload("cache", w => w with
        {
            Sidecars = [new SidecarModel { Instance = "cache-0", Inbound = "127.0.0.1:1200", Admin = "127.0.0.1:1201" }, new SidecarModel { Instance = "cache-1", Inbound = "127.0.0.1:1202", Admin = "127.0.0.1:1203" }],
        }));

        var several = await fixture.RunAsync("config", "cache");
        var one = await fixture.RunAsync("config", "cache-1");
        var none = await fixture.RunAsync("config", "nope");

        Assert.Equal((1, 0, 1), (several.Code, one.Code, none.Code));
        Assert.Contains("Choose one: cache-0, cache-1", several.Error);
        Assert.Contains("There are: api, cache-0, cache-1, web", none.Error);
    }

    [Fact]
    public async Task Tap_prints_requests_and_ends_after_the_count()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        var web = await fixture.ConnectAsync(mesh, "web");

        var tap = fixture.RunAsync("tap", "--to", "api", "--count", "1");
        await web.Taps.Reader.ReadAsync(CancellationToken.None);
        await web.TapAsync(new TapEvent { At = DateTimeOffset.UnixEpoch, From = "web", To = "api", Endpoint = "http", Method = "GET", Path = "/items", Status = 200, DurationMs = 1.5, Attempts = 2 });
        var result = await tap;

        Assert.Equal(0, result.Code);
        Assert.Equal("00:00:00.000 web -> api.http GET /items 200 1.50 ms 2 attempts", result.Out.Trim());
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("check", "--wait", "soon")]
    [InlineData("check", "--wait", "-1")]
    [InlineData("config")]
    [InlineData("mtls", "sometimes")]
    [InlineData("split", "--from", "a")]
    [InlineData("faults", "add", "--delay", "fast")]
    [InlineData("faults", "add", "--abort", "503", "--reset")]
    [InlineData("faults", "add", "--black-hole", "--hang")]
    [InlineData("faults", "add", "--to", "api")]
    [InlineData("faults", "add", "--bandwidth", "fast")]
    [InlineData("faults", "add", "--slow-close", "10KB")]
    public async Task What_cannot_be_understood_exits_2(params string[] args)
    {
        await using var fixture = new ToolFixture();

        var result = await fixture.RunAsync(args);

        Assert.Equal(2, result.Code);
        Assert.NotEmpty(result.Error);
    }

    [Fact]
    public async Task Help_exits_0()
    {
        await using var fixture = new ToolFixture();

        var result = await fixture.RunAsync("faults", "add", "--help");

        Assert.Equal(0, result.Code);
        Assert.Contains("--percent", result.Out);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition()) await Task.Delay(10, limit.Token);
    }

    [Theory]
    [InlineData("check", "--wait", "600")]
    [InlineData("certs", "rotate")]
    public async Task A_command_that_was_ended_before_it_knew_does_not_say_that_all_is_well(params string[] command)
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        // It never answers a snapshot, so the mesh is not well and its root cannot be replaced.
        var web = new FakeSidecar(mesh.CreateBootstrap("web"));
        await web.JoinAsync();
        using var ended = new CancellationTokenSource();
        var running = fixture.RunAsync(ended.Token, command);
        await ended.CancelAsync();

        var result = await running.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(130, result.Code);
        await web.DisposeAsync();
    }

    [Fact]
    public async Task A_tap_whose_mesh_was_killed_says_so()
    {
        await using var fixture = new ToolFixture();
        using var mesh = new TcpListener(IPAddress.Loopback, 0);
        mesh.Start();
        await File.WriteAllTextAsync(Path.Combine(fixture.RunDirectory, "shop.json"), $$"""{ "appHost": "shop", "pid": {{Environment.ProcessId}}, "admin": "http://{{mesh.LocalEndpoint}}", "token": "t" }""");
        var running = fixture.RunAsync("tap");
        using (var connection = await mesh.AcceptTcpClientAsync())
        {
            await connection.GetStream().ReadExactlyAsync(new byte[16]);
            await connection.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
        }

        var result = await running.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(1, result.Code);
        Assert.Contains("The control plane of 'shop' at http://", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }
}
