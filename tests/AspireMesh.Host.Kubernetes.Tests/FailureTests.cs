namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>What goes wrong between the control plane and the API server ends as docs/kubernetes.md says.</summary>
public class FailureTests
{
    [Fact]
    public async Task A_watch_that_is_cut_goes_on_and_what_was_known_stays_known()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.PutApiPods(("api-1", "10.0.0.1:15006", true));
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh?.Model?.Workloads[1].Sidecars.Length == 1);

        cluster.Api.IsAway = true;
        cluster.Api.CutWatches();
        await cluster.UntilAsync(() => cluster.Logs.Has("Watching endpointslices.discovery.k8s.io failed"));
        Assert.Equal("10.0.0.1:15006", replica.Mesh!.Model!.Workloads[1].Sidecars[0].Address);

        cluster.PutApiPods(("api-2", "10.0.0.2:15006", true));
        cluster.Api.IsAway = false;
        await cluster.UntilAsync(() => replica.Mesh?.Model?.Workloads[1].Sidecars is [{ Instance: "api-2" }]);
    }

    [Fact]
    public async Task A_version_that_the_server_has_forgotten_is_answered_by_listing_anew()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.PutApiPods(("api-1", "10.0.0.1:15006", true));
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh?.Model?.Workloads[1].Sidecars.Length == 1);

        cluster.Api.IsAway = true;
        cluster.Api.CutWatches();
        cluster.PutApiPods(("api-2", "10.0.0.2:15006", true));
        cluster.Api.Objects.Compact();
        cluster.Api.IsAway = false;

        await cluster.UntilAsync(() => replica.Mesh?.Model?.Workloads[1].Sidecars is [{ Instance: "api-2" }]);
    }

    [Fact]
    public async Task A_watch_whose_server_compacts_while_it_is_open_says_gone_and_lists_anew()
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh?.Model is not null);

        cluster.Api.Objects.Compact();
        cluster.PutApiPods(("api-2", "10.0.0.2:15006", true));

        await cluster.UntilAsync(() => cluster.Logs.Has("410 Gone"));
        await cluster.UntilAsync(() => replica.Mesh?.Model?.Workloads[1].Sidecars is [{ Instance: "api-2" }]);
    }

    [Fact]
    public async Task A_conflict_on_the_lease_is_another_replicas_turn_and_one_leads_in_the_end()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.Api.ConflictNext(3);

        var a = cluster.StartReplica("control-a");
        var b = cluster.StartReplica("control-b");

        await cluster.UntilAsync(() => a.Mesh is not null || b.Mesh is not null);
        Assert.True(cluster.Logs.Has("(conflict)"));
        Assert.False(a.Mesh is not null && b.Mesh is not null);
    }

    [Fact]
    public async Task Another_replica_takes_over_and_sidecars_reach_the_leader_through_whichever_replica_they_know()
    {
        await using var cluster = await Cluster.StartAsync();
        await cluster.StartAppAsync();
        cluster.PutApiPods(("api-6c9f", cluster.ApiAddress, true));
        var a = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => a.Mesh is not null);
        var b = cluster.StartReplica("control-b");
        await cluster.UntilAsync(() => b.ControlPlane.Leader is not null);
        cluster.MountBundle();
        // Both know only the replica that does not lead.
        var api = cluster.Sidecar("api", "api-6c9f", b.Address);
        var web = cluster.Sidecar("web", "web-5d7b", b.Address);
        await Task.WhenAll(api.StartAsync(CancellationToken.None), web.StartAsync(CancellationToken.None));
        await cluster.UntilAsync(() => a.Mesh!.Check().Healthy);

        await a.StopAsync();
        await cluster.UntilAsync(() => b.Mesh?.Check().Healthy == true);

        Assert.Equal("hello", await cluster.CallAsync());
        Assert.Equal(2, b.Mesh!.GetStatus().Workloads.Length);
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_its_lease_stops_leading()
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a", o => o with { LeaseDeadline = TimeSpan.FromMilliseconds(400), LeaseDuration = TimeSpan.FromMilliseconds(900) });
        await cluster.UntilAsync(() => replica.Mesh is not null);

        cluster.Api.Forbid("update", "leases");
        await cluster.UntilAsync(() => cluster.Logs.Has("leads no more"));
        Assert.True(cluster.Logs.Has("Give the service account 'aspiremesh-control-plane' the verb 'get, create, update' on 'leases.coordination.k8s.io'"));

        cluster.Api.Allow("update", "leases");
        await cluster.UntilAsync(() => replica.Mesh is not null);
    }

    [Theory]
    [InlineData("other account", "its token is for")]
    [InlineData("other audience", "is invalid for the target audiences")]
    [InlineData("unknown", "Token has been invalidated")]
    [InlineData("no pod", "is not bound to a pod")]
    [InlineData("other namespace", "not of 'shop'")]
    [InlineData("no workload", "is no workload of this mesh")]
    public async Task A_token_that_does_not_prove_the_workload_is_refused_and_says_why(string token, string reason)
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh is not null);
        cluster.MountBundle();
        var tokens = cluster.Api.Tokens;
        var shown = token switch
        {
            "other account" => tokens.Issue(Cluster.Namespace, "api", "api-6c9f", ClusterNames.Audience),
            "other audience" => tokens.Issue(Cluster.Namespace, "web", "web-5d7b", "https://kubernetes.default.svc"),
            "no pod" => tokens.Issue(Cluster.Namespace, "web", null, ClusterNames.Audience),
            "other namespace" => tokens.Issue("elsewhere", "web", "web-5d7b", ClusterNames.Audience),
            "no workload" => tokens.Issue(Cluster.Namespace, "intruder", "intruder-1", ClusterNames.Audience),
            _ => "made up",
        };
        var web = cluster.Sidecar("web", "web-5d7b", replica.Address, shown);

        var refusal = await Assert.ThrowsAsync<Protocol.Diagnostics.MeshValidationException>(() => web.StartAsync(CancellationToken.None));

        Assert.Contains(reason, refusal.Message);
        Assert.False(replica.Mesh!.IsConnected("web-5d7b"));
    }

    [Fact]
    public async Task Without_permission_to_review_tokens_a_sidecar_waits_and_joins_once_it_is_given()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.Api.Forbid("create", "tokenreviews");
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh is not null);
        cluster.MountBundle();
        var web = cluster.Sidecar("web", "web-5d7b", replica.Address);

        var starting = web.StartAsync(CancellationToken.None);
        await cluster.UntilAsync(() => cluster.Logs.Has("Nobody can join: the API server forbids it"));
        cluster.Api.Allow("create", "tokenreviews");

        await starting;
        await web.Ready;
    }

    [Theory]
    [InlineData("list", "configmaps", "Watching configmaps failed: the API server forbids it")]
    [InlineData("get", "secrets", "cannot serve: the API server forbids it")]
    public async Task Missing_permission_is_said_with_what_to_give_and_the_leader_serves_once_it_has_it(string verb, string kind, string said)
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.Api.Forbid(verb, kind);
        var replica = cluster.StartReplica("control-a");

        await cluster.UntilAsync(() => cluster.Logs.Has(said));
        Assert.Null(replica.Mesh);

        cluster.Api.Allow(verb, kind);
        await cluster.UntilAsync(() => replica.Mesh is not null);
    }

    [Fact]
    public async Task A_secret_that_another_replica_changed_is_not_overwritten()
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh is not null);
        var others = cluster.Api.Objects.Read("secrets", ClusterNames.AuthoritySecret)!;
        others["metadata"]!["annotations"] = new System.Text.Json.Nodes.JsonObject { ["by"] = "another replica" };
        cluster.Api.Objects.Put("secrets", others);

        var refused = await Assert.ThrowsAsync<Protocol.Diagnostics.MeshValidationException>(() => replica.Mesh!.RotateRootAsync(CancellationToken.None));

        Assert.Contains("was changed by another replica. Nothing was overwritten", refused.Message);
        Assert.Equal("another replica", (string?)cluster.Api.Objects.Read("secrets", ClusterNames.AuthoritySecret)!["metadata"]!["annotations"]!["by"]);
    }

    [Fact]
    public async Task A_missing_model_is_waited_for()
    {
        await using var cluster = await Cluster.StartAsync(withModel: false);
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => cluster.Logs.Has("There is no ConfigMap 'aspiremesh-mesh'"));

        cluster.PutModel(cluster.Model);

        await cluster.UntilAsync(() => replica.Mesh is not null);
    }
}
