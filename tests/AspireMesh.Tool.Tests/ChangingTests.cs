using AspireMesh.Protocol.Faults;
using System.Collections.Immutable;
using AspireMesh.Host.Tests;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Tool.Tests;

public class ChangingTests
{
    private static readonly MeshModel Split = (Meshes.Shop with { Workloads = Meshes.Shop.Workloads.Add(Meshes.Workload("api-v2", 1300, new EndpointModel { Name = "http" })) })
        .WithEdge("web", "api", e => e with
        {
            Policies = new EdgePolicies
            {
                Routes = [new RoutePolicy { Name = "canary", Split = [new TrafficSplitLeg { Weight = 90 }, new TrafficSplitLeg { Workload = "api-v2", Weight = 10 }] }],
            },
        });

    [Fact]
    public async Task Split_moves_the_weight_and_the_sidecar_is_told()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Split);
        var web = await fixture.ConnectAsync(mesh, "web");

        var result = await fixture.RunAsync("split", "--from", "web", "--to", "api", "--leg", "api-v2", "--percent", "25");

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Equal("web -> api.http canary: api.http 75 %, api-v2.http 25 %", result.Out.Trim());
        var snapshot = await web.NextAsync();
        Assert.Equal([7500, 2500], snapshot.Outbound[0].Routes[0].Clusters.Select(c => c.Weight));
    }

    [Fact]
    public async Task Split_to_a_workload_that_no_leg_leads_to_gives_it_one_and_lets_the_caller_in_there()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Split.WithEdge("web", "api", e => e with { Policies = new EdgePolicies() }));
        var callee = await fixture.ConnectAsync(mesh, "api-v2");

        var result = await fixture.RunAsync("split", "--from", "web", "--to", "api", "--leg", "api-v2", "--percent", "5");

        Assert.Equal((0, ""), (result.Code, result.Error));
        var snapshot = await callee.NextAsync();
        Assert.Equal("reference:web", Assert.Single(snapshot.Inbound.Endpoints[0].Authorization).Name);
    }

    [Fact]
    public async Task Split_of_an_edge_that_is_not_there_changes_nothing_and_exits_1()
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync(Split);

        var result = await fixture.RunAsync("split", "--from", "cache", "--to", "api", "--leg", "api-v2", "--percent", "5");

        Assert.Equal(1, result.Code);
        Assert.Contains("there is no such edge. See the edges with: aspiremesh routes [MESH0015]", result.Error);
    }

    [Fact]
    public async Task Mtls_goes_strict_only_when_no_caller_needs_plaintext_any_more()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Meshes.Shop with { Mtls = MtlsMode.Permissive });
        var api = await fixture.ConnectAsync(mesh, "api");
        await api.ReportAsync(new SidecarReport { PlaintextCallers = ImmutableDictionary<string, long>.Empty.Add("127.0.0.1", 4) });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (mesh.Check().Notes.IsEmpty) await Task.Delay(10, limit.Token);

        var refused = await fixture.RunAsync("mtls", "strict");
        var shown = await fixture.RunAsync("mtls");
        var forced = await fixture.RunAsync("mtls", "strict", "--force");

        Assert.Equal((1, 0, 0), (refused.Code, shown.Code, forced.Code));
        Assert.Contains("'127.0.0.1' still calls 'api' in plaintext", refused.Error);
        Assert.Equal(("permissive", "strict"), (shown.Out.Trim(), forced.Out.Trim()));
    }

    [Fact]
    public async Task Faults_are_refused_where_the_apphost_did_not_allow_them()
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync();

        var result = await fixture.RunAsync("faults", "add", "--to", "api", "--abort", "503");

        Assert.Equal(1, result.Code);
        Assert.Contains("Turn them on with .WithChaos()", result.Error);
    }

    [Fact]
    public async Task A_fault_is_added_reaches_the_caller_is_listed_and_removed()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Meshes.Shop with { ChaosEnabled = true });
        var web = await fixture.ConnectAsync(mesh, "web");

        var added = await fixture.RunAsync("faults", "add", "--id", "slow", "--from", "web", "--to", "api", "--delay", "300ms", "--percent", "50", "--ttl", "60s", "--seed", "7");
        var told = await web.NextAsync();
        var listed = await fixture.RunAsync("faults", "list");
        var removed = await fixture.RunAsync("faults", "remove", "slow");
        var after = await web.NextAsync();

        Assert.Equal((0, ""), (added.Code, added.Error));
        Assert.Equal((TimeSpan.FromMilliseconds(300), 50.0, 7L), (told.Faults[0].Fault.Delay, told.Faults[0].Activation.Percent, told.Faults[0].Seed));
        Assert.Contains("delay 300 ms on web -> api, 50 %, seed 7", listed.Out);
        Assert.Equal(0, removed.Code);
        Assert.Empty(after.Faults);
    }

    [Fact]
    public async Task Every_kind_of_fault_can_be_typed()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Meshes.Shop with { ChaosEnabled = true });
        string[] typed =
        [
            "--abort 503", "--delay 1s", "--rate-limit 5s", "--throttle 10KB", "--truncate 100", "--corrupt 3", "--duplicate", "--replace-body <html>", "--patch-body {\"price\":0}", "--stale-cache", "--key-collision Idempotency-Key", "--replay", "--drop-response", "--header x-a:b", "--lose-trailers", "--reset", "--refuse",
            "--black-hole --pause 5s", "--hang", "--half-close 10", "--slow-close 2s", "--slicer 64 --pause 10ms", "--byte-limit 4KB", "--bandwidth 1.5MB --direction both", "--stream-stall 2", "--stream-close 3 --code 4000", "--stream-drop 1", "--stream-duplicate 2", "--stream-reorder 2", "--drain",
            "--no-destinations", "--stale-destinations 127.0.0.1:9", "--flapping 2s", "--expired-certificate", "--future-certificate", "--wrong-trust-domain", "--two-sans", "--no-certificate", "--downgrade", "--clock-skew 48h",
            "--rotate-now", "--control-disconnect --ttl 60s", "--control-slow 1s", "--control-refuse --ttl 60s",
        ];

        foreach (var one in typed)
        {
            var added = await fixture.RunAsync(["faults", "add", "--to", "api", .. one.Split(' ')]);
            Assert.True(added.Code == 0, $"{one}: {added.Error}");
        }

        Assert.Equal(FaultKinds.All.Order(), mesh.Faults.Select(f => f.Fault.Kind).Order());
        Assert.Equal((1572864L, "both"), mesh.Faults.Where(f => f.Fault.Kind == FaultKinds.Bandwidth).Select(f => (f.Fault.BytesPerSecond, f.Fault.Direction)).Single());
        Assert.Equal((64L, TimeSpan.FromMilliseconds(10)), mesh.Faults.Where(f => f.Fault.Kind == FaultKinds.Slicer).Select(f => (f.Fault.Bytes, f.Fault.Delay)).Single());
        Assert.Equal(TimeSpan.FromSeconds(5), mesh.Faults.Where(f => f.Fault.Kind == FaultKinds.BlackHole).Select(f => f.Fault.Delay).Single());
        var refused = await fixture.RunAsync("faults", "add", "--to", "api", "--control-disconnect");
        Assert.Equal(1, refused.Code);
        Assert.Contains("--ttl", refused.Error);
    }

    [Fact]
    public async Task Which_requests_a_fault_is_about_and_which_of_them_fire_can_be_typed()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Meshes.Shop with { ChaosEnabled = true });

        var added = await fixture.RunAsync("faults", "add", "--to", "api", "--reset", "--method", "POST", "--path", "/pay", "--if-header", "x-tenant: gold", "--if-header", "x-b:c", "--if-baggage", "user=7",
            "--percent", "20", "--first", "9", "--every", "2", "--max", "3", "--skip", "4", "--ramp", "100", "--burst", "3/10", "--order", "5");
        var grpc = await fixture.RunAsync("faults", "add", "--to", "api", "--reset", "--grpc", "shop.Stock/Reserve");
        var wrong = await fixture.RunAsync("faults", "add", "--to", "api", "--reset", "--if-header", "gold", "--if-baggage", "=7", "--burst", "10/3");

        Assert.True(added.Code == 0 && grpc.Code == 0, added.Error + grpc.Error);
        var rule = mesh.Faults.Single(f => f.Match?.GrpcService is null);
        Assert.Equal(new FaultActivation { Percent = 20, First = 9, EveryNth = 2, MaxFires = 3, Skip = 4, RampRequests = 100, BurstLength = 3, BurstPeriod = 10 }, rule.Activation);
        Assert.Equal(("POST", "/pay", "x-tenant=gold x-b=c", "user=7", 5), (rule.Match!.Methods.Single(), rule.Match.Path!.Value, Named(rule.Match.Headers), Named(rule.Match.Baggage), rule.Order));
        Assert.Equal(("shop.Stock", "Reserve"), mesh.Faults.Where(f => f != rule).Select(f => (f.Match!.GrpcService, f.Match.GrpcMethod)).Single());
        Assert.All(["--if-header 'gold'", "--if-baggage '=7'", "--burst '10/3'"], part => Assert.Contains(part, wrong.Error));

        static string Named(IEnumerable<Protocol.Policies.NamedMatch> matches) => string.Join(' ', matches.Select(m => $"{m.Name}={m.Match.Value}"));
    }

    [Fact]
    public async Task How_often_a_fault_fired_and_what_it_decided_can_be_read()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync(Meshes.Shop with { ChaosEnabled = true });
        var web = await fixture.ConnectAsync(mesh, "web");
        await fixture.RunAsync("faults", "add", "--id", "f1", "--from", "web", "--to", "api", "--reset", "--seed", "7");
        await web.NextAsync();
        await web.ReportAsync(new SidecarReport { Faults = [new FaultTally { Fault = "f1", Kind = "reset", From = "web", To = "api", Endpoint = "http", Seed = 7, Requests = 3, Fires = 2, Decisions = "x.x" }] });
        while (mesh.GetFaultTallies().IsEmpty) await Task.Delay(10, TestContext.Current.CancellationToken);

        var listed = await fixture.RunAsync("faults", "list");
        var journal = await fixture.RunAsync("faults", "journal");
        var json = await fixture.RunAsync("faults", "journal", "--json");

        Assert.Matches(@"f1\b.*\b2\b", listed.Out.ReplaceLineEndings(" "));
        Assert.Equal("f1 web->api.http 1 fired\nf1 web->api.http 2 spared\nf1 web->api.http 3 fired\n", journal.Out.ReplaceLineEndings("\n"));
        Assert.Contains("\"instance\": \"web\"", json.Out);
    }

    [Fact]
    public async Task A_fault_between_workloads_without_a_reference_is_refused_with_every_reason()
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync(Meshes.Shop with { ChaosEnabled = true });

        var result = await fixture.RunAsync("faults", "add", "--from", "web", "--to", "cache", "--abort", "99", "--percent", "300");

        Assert.Equal(1, result.Code);
        Assert.Contains("'web' has no reference to 'cache'", result.Error);
        Assert.Contains("Status is 99", result.Error);
        Assert.Contains("Percent is 300", result.Error);
    }

    [Fact]
    public async Task A_policy_document_is_applied_as_a_whole_or_not_at_all()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        var file = Path.Combine(fixture.RunDirectory, "policies.txt");

        await File.WriteAllTextAsync(file, """
            {
              // One good entry does not save a bad one.
              "edges": [
                { "from": "web", "to": "api", "policies": { "retry": { "maxRetries": 4 } } },
                { "to": "cache", "policies": { "timeouts": { "connect": "00:00:00" } } },
              ]
            }
            """);
        var bad = await fixture.RunAsync("policies", "apply", file);
        var untouched = mesh.Model!.Edges[0].Policies.Retry;
        await File.WriteAllTextAsync(file, """{ "edges": [ { "from": "web", "to": "api", "policies": { "retry": { "maxRetries": 4 } } } ] }""");
        var good = await fixture.RunAsync("policies", "apply", file);

        Assert.Equal((1, 0), (bad.Code, good.Code));
        Assert.Contains("Timeouts.Connect is 0 ms", bad.Error);
        Assert.Null(untouched);
        Assert.Equal((4, 0.2), (mesh.Model!.Edges[0].Policies.Retry!.MaxRetries, mesh.Model.Edges[0].Policies.Retry!.BudgetRatio));
    }

    [Theory]
    [InlineData("""{ "edges": [ { "to": "api", "policy": {} } ] }""", "policy")]
    [InlineData("""{ "edges": [ { "to": "api", "policies": { "retry": { "maxRetries": "many" } } } ] }""", "maxRetries")]
    [InlineData("""nonsense""", "cannot be read")]
    public async Task A_document_with_a_typing_error_is_refused_with_the_place(string json, string place)
    {
        await using var fixture = new ToolFixture();
        await fixture.StartAsync();
        var file = Path.Combine(fixture.RunDirectory, "policies.txt");
        await File.WriteAllTextAsync(file, json);

        var result = await fixture.RunAsync("policies", "apply", file);

        Assert.Equal(1, result.Code);
        Assert.Contains("MESH0016", result.Error);
        Assert.Contains(place, result.Error);
    }

    [Fact]
    public async Task Certs_rotate_replaces_the_root_while_every_sidecar_follows()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        var web = await fixture.ConnectAsync(mesh, "web");
        var before = mesh.GetCertificates().Roots[0].Fingerprint;

        var result = await fixture.RunAsync("certs", "rotate");

        Assert.Equal("", result.Error);
        var root = Assert.Single(mesh.GetCertificates().Roots);
        Assert.NotEqual(before, root.Fingerprint);
        Assert.Equal(root.Fingerprint, mesh.GetCertificates().Svids.Single(s => s.Instance == "web").Root);
        Assert.Equal(root.Pem.Trim(), Assert.Single(web.Last!.TrustBundle).Trim());
    }

    [Fact]
    public async Task The_admin_api_takes_a_whole_model_and_gives_it_back_in_status()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        using var client = new MeshAdminClient(Host.Running.RunDirectory.Find(fixture.RunDirectory)[0]);

        await client.ApplyModelAsync(Split with { Mtls = MtlsMode.Permissive }, CancellationToken.None);
        var status = await client.GetStatusAsync(CancellationToken.None);

        Assert.Equal(("permissive", 4), (status.Mtls, status.Workloads.Length));
        Assert.Equal(Split.Edges[0].Policies.Routes[0].Split[1].Weight, mesh.Model!.Edges[0].Policies.Routes[0].Split[1].Weight);
    }

    [Fact]
    public async Task The_admin_api_lets_nobody_in_without_its_token()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(mesh.AdminAddress) };

        var without = await http.GetAsync("/v1/status");
        http.DefaultRequestHeaders.Add("Authorization", "Bearer wrong");
        var wrong = await http.PostAsync("/v1/bootstrap", null);

        Assert.Equal((401, 401), ((int)without.StatusCode, (int)wrong.StatusCode));
    }

    [Fact]
    public async Task Upgrade_replaces_every_sidecar_of_a_workload_and_names_the_one_that_was_not()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        using var ended = new CancellationTokenSource();
        // Who runs the processes.
        var host = Task.Run(async () =>
        {
            while (true)
            {
                var ticket = await mesh.NextUpgradeAsync(ended.Token);
                mesh.AnswerUpgrade(ticket.Id, ticket.Instance == "web" ? new UpgradeOutcome { Problem = "the new process did not start" } : new UpgradeOutcome());
            }
        });

        var done = await fixture.RunAsync("upgrade", "api");
        var failed = await fixture.RunAsync("upgrade", "web");
        var unknown = await fixture.RunAsync("upgrade", "nothing");
        await ended.CancelAsync();
        await host.ContinueWith(_ => { }, TaskScheduler.Default);

        Assert.Equal((0, "replaced: api, no request was lost\n", ""), (done.Code, done.Out, done.Error));
        Assert.Equal((1, ""), (failed.Code, failed.Out));
        Assert.Contains("Sidecar 'web' was not upgraded: the new process did not start. [MESH0409]", failed.Error);
        Assert.Equal(1, unknown.Code);
        Assert.Contains("The mesh has no workload or sidecar 'nothing'. It has: ", unknown.Error);
    }

    [Fact]
    public async Task Upgrade_says_so_where_ports_cannot_be_passed_on()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        var upgrading = fixture.RunAsync("upgrade", "api");
        mesh.AnswerUpgrade((await mesh.NextUpgradeAsync(CancellationToken.None)).Id, new UpgradeOutcome { Restarted = true });

        var result = await upgrading;

        Assert.Equal((0, "restarted: api, because this system cannot pass open ports on: requests under way were lost\n"), (result.Code, result.Out));
    }

    [Fact]
    public async Task Check_names_sidecars_of_another_version_and_what_to_type()
    {
        await using var fixture = new ToolFixture();
        var mesh = await fixture.StartAsync();
        foreach (var instance in new[] { "web", "cache" }) await fixture.ConnectAsync(mesh, instance);
        await using var old = new FakeSidecar(mesh.CreateBootstrap("api")) { ProxyVersion = "0.0.1" };
        await old.JoinAsync();
        await old.WatchAsync();
        await old.NextAsync();

        var result = await fixture.RunAsync("check", "--wait", "60");

        Assert.Equal(0, result.Code);
        Assert.Contains("note: Sidecar 'api' runs the older version 0.0.1, the control plane ", result.Out);
        Assert.Contains("Type: aspiremesh upgrade api [MESH0309]", result.Out);
        Assert.DoesNotContain("'web'", result.Out);
    }
}
