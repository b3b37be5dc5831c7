using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Kubernetes.Tests;

public class ServingTests
{
    [Fact]
    public async Task Two_pods_join_by_their_service_accounts_and_call_each_other_at_the_address_of_an_endpoint_slice()
    {
        await using var cluster = await Cluster.StartAsync();
        await cluster.StartAppAsync();
        cluster.PutApiPods(("api-6c9f", cluster.ApiAddress, true));
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh is not null);
        cluster.MountBundle();

        var api = cluster.Sidecar("api", "api-6c9f", replica.Address);
        var web = cluster.Sidecar("web", "web-5d7b", replica.Address);
        await Task.WhenAll(api.StartAsync(CancellationToken.None), web.StartAsync(CancellationToken.None));
        await Task.WhenAll(api.Ready, web.Ready);

        Assert.Equal("hello", await cluster.CallAsync());
        await cluster.UntilAsync(() => replica.Mesh!.Check().Healthy);
        var status = replica.Mesh!.GetStatus();
        Assert.Equal(["spiffe://shop.mesh/ns/shop/sa/web", "spiffe://shop.mesh/ns/shop/sa/api"], status.Workloads.Select(w => w.Identity));
        Assert.Equal(["web-5d7b", "api-6c9f"], status.Workloads.Select(w => w.Name));
        // A day, as in the other meshes, unless the AppHost says otherwise.
        Assert.All(status.Workloads, w => Assert.InRange(w.SvidExpires!.Value - TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(23), TimeSpan.FromHours(24)));
    }

    [Fact]
    public async Task A_sidecar_that_starts_before_the_control_plane_has_written_the_trust_bundle_waits_for_it()
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a");
        var web = cluster.Sidecar("web", "web-5d7b", replica.Address);

        var starting = web.StartAsync(CancellationToken.None);
        await cluster.UntilAsync(() => replica.Mesh is not null);
        Assert.False(web.Ready.IsCompleted);
        cluster.MountBundle();

        await starting;
        await web.Ready;
        await cluster.UntilAsync(() => replica.Mesh!.IsConnected("web-5d7b"));
    }

    [Fact]
    public async Task A_changed_model_is_in_force_without_a_restart_and_an_unusable_one_leaves_the_one_before()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.PutApiPods(("api-6c9f", cluster.ApiAddress, true));
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh?.Model?.Workloads.Length == 2);

        cluster.PutModel(cluster.Model with { Edges = [.. cluster.Model.Edges.Select(e => e with { To = "nowhere" })] });
        await cluster.UntilAsync(() => cluster.Logs.Has("was not put in force"));
        Assert.Equal("api", replica.Mesh!.Model!.Edges[0].To);

        cluster.PutModel(cluster.Model with { Edges = [.. cluster.Model.Edges.Select(e => e with { Policies = new EdgePolicies { Retry = new RetryPolicy { MaxRetries = 7 } } })] });
        await cluster.UntilAsync(() => replica.Mesh!.Model!.Edges[0].Policies.Retry?.MaxRetries == 7);
    }

    [Fact]
    public async Task Pods_come_and_go_and_what_was_changed_on_the_running_mesh_stays()
    {
        await using var cluster = await Cluster.StartAsync();
        cluster.PutApiPods(("api-1", cluster.ApiAddress, true));
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh?.Model is not null);
        replica.Mesh!.SetMtls(Protocol.Model.MtlsMode.Permissive);
        replica.Mesh.ApplyPolicies(new() { Workloads = [new() { Name = "api", Weights = ImmutableDictionary<string, double>.Empty.Add("api-1", 3) }] });

        cluster.PutApiPods(("api-1", "10.0.0.1:15006", false), ("api-2", "10.0.0.2:15006", true));
        await cluster.UntilAsync(() => replica.Mesh!.Model!.Workloads[1].Sidecars.Length == 2);

        Assert.Equal(["10.0.0.1:15006", "10.0.0.2:15006"], replica.Mesh!.Model!.Workloads[1].Sidecars.Select(s => s.Address));
        Assert.Equal(Protocol.Model.MtlsMode.Permissive, replica.Mesh.Model.Mtls);
        Assert.Equal([3, 1], replica.Mesh.Model.Workloads[1].Sidecars.Select(s => s.Weight));
        cluster.PutApiPods();
        await cluster.UntilAsync(() => replica.Mesh!.Model!.Workloads[1].Sidecars.IsEmpty);
    }

    [Fact]
    public async Task The_root_survives_its_replica_and_the_key_is_only_in_the_secret()
    {
        await using var cluster = await Cluster.StartAsync();
        var first = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => first.Mesh is not null);
        var bundle = first.Mesh!.TrustBundle;
        await first.StopAsync();

        var second = cluster.StartReplica("control-b");
        await cluster.UntilAsync(() => second.Mesh is not null);

        Assert.Equal(bundle, second.Mesh!.TrustBundle);
        Assert.DoesNotContain("PRIVATE", cluster.Api.Objects.Read("configmaps", ClusterNames.TrustBundle)!.ToJsonString());
        Assert.NotNull(cluster.Api.Objects.Read("secrets", ClusterNames.AuthoritySecret));
    }

    [Fact]
    public async Task A_rotation_is_written_to_the_secret_and_published_step_by_step()
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a", o => o with { PodMemory = TimeSpan.FromSeconds(1) });
        await cluster.UntilAsync(() => replica.Mesh is not null);
        var before = replica.Mesh!.TrustBundle.Single();

        await replica.Mesh.RotateRootAsync(CancellationToken.None);

        var after = replica.Mesh.TrustBundle.Single();
        Assert.NotEqual(before, after);
        cluster.MountBundle();
        Assert.Equal(after, await File.ReadAllTextAsync(cluster.BundleFile));
    }
}
