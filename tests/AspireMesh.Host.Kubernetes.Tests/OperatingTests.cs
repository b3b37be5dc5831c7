using System.Net;
using AspireMesh.Host.Kubernetes.Operating;
using AspireMesh.Protocol.Diagnostics;
using k8s;

namespace AspireMesh.Host.Kubernetes.Tests;

public class OperatingTests
{
    [Fact]
    public async Task The_admin_api_is_reached_through_a_port_forward_to_the_leader()
    {
        await using var cluster = await Cluster.StartAsync();
        var replica = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => replica.Mesh is not null);
        cluster.Api.PodPorts = (pod, port) => pod == "control-a" && port == ClusterNames.AdminPort ? IPEndPoint.Parse(replica.Options.AdminListen) : null;
        using var client = ClusterAdmin.Connect(Connection(cluster), Cluster.Namespace);

        var status = await client.GetStatusAsync(CancellationToken.None);
        var check = await client.CheckAsync(CancellationToken.None);

        Assert.Equal("shop.mesh", status.TrustDomain);
        Assert.Equal(("web", "api"), (Assert.Single(status.Edges).From, status.Edges[0].To));
        Assert.True(check.Healthy);
    }

    [Fact]
    public async Task A_namespace_without_a_mesh_and_missing_rights_are_said()
    {
        await using var cluster = await Cluster.StartAsync();
        using var client = ClusterAdmin.Connect(Connection(cluster), Cluster.Namespace);
        var nothing = await Assert.ThrowsAsync<MeshValidationException>(() => client.CheckAsync(CancellationToken.None));
        Assert.Contains("The namespace 'shop' has no Secret 'aspiremesh-admin'", nothing.Message);

        cluster.Api.Forbid("get", "secrets");
        using var other = ClusterAdmin.Connect(Connection(cluster), Cluster.Namespace);
        var forbidden = await Assert.ThrowsAsync<MeshValidationException>(() => other.CheckAsync(CancellationToken.None));
        Assert.Contains("forbids", forbidden.Message);
    }

    private static k8s.Kubernetes Connection(Cluster cluster) => new(new KubernetesClientConfiguration { Host = cluster.Api.Address });
}
