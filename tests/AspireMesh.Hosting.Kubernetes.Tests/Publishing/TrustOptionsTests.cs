using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Publishing;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Hosting.Kubernetes.Tests.Rendering;
using AspireMesh.Manifests.Injecting;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>Where a published mesh's identities come from, as the chart says it.</summary>
public class TrustOptionsTests
{
    [Fact]
    public void By_default_the_control_plane_has_a_ca_of_its_own_and_may_ask_no_issuer()
    {
        var objects = Objects(new MeshOptions());

        Assert.Equal("""["serve","--kubernetes"]""", Arguments(objects));
        Assert.DoesNotContain("cert-manager.io", Role(objects));
        Assert.DoesNotContain("csi", objects["Deployment"].ToJsonString());
    }

    [Fact]
    public void With_cert_manager_it_is_told_its_issuer_and_may_make_read_and_remove_requests()
    {
        var objects = Objects(new MeshOptions { CertManager = new MeshIssuer("corporate", "ClusterIssuer") });

        Assert.Equal("""["serve","--kubernetes","--cert-manager-issuer","corporate","--cert-manager-kind","ClusterIssuer","--cert-manager-group","cert-manager.io"]""", Arguments(objects));
        Assert.Contains("""{"apiGroups":["cert-manager.io"],"resources":["certificaterequests"],"verbs":["create","get","delete"]}""", Role(objects));
    }

    [Fact]
    public void With_spire_pods_and_control_plane_mount_the_agents_socket_and_no_token()
    {
        var objects = Objects(new MeshOptions { Spire = true });
        var pod = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray() } };
        SidecarPod.Add(pod, new SidecarSpec { Workload = "api", Image = "proxy", Spire = true });
        var bootstrap = JsonNode.Parse(SidecarBootstrapFile.Text("api", "shop.mesh", "shop", spire: true))!;

        Assert.Equal("""["serve","--kubernetes","--workload-api","unix:///spiffe-workload-api/spire-agent.sock"]""", Arguments(objects));
        const string Volume = """{"name":"spiffe-workload-api","csi":{"driver":"csi.spiffe.io","readOnly":true}}""";
        const string Mount = """{"name":"spiffe-workload-api","mountPath":"/spiffe-workload-api","readOnly":true}""";
        foreach (var text in new[] { objects["Deployment"].ToJsonString(), pod.ToJsonString() })
        {
            Assert.Contains(Volume, text);
            Assert.Contains(Mount, text);
        }
        Assert.DoesNotContain("serviceAccountToken", pod.ToJsonString());
        Assert.Equal("unix:///spiffe-workload-api/spire-agent.sock", (string?)bootstrap["workloadApi"]);
        Assert.Null(bootstrap["joinTokenFile"]);
        Assert.Null(bootstrap["trustBundleFile"]);
    }

    [Fact]
    public void A_sidecar_with_spire_can_be_taken_out_of_its_pod_again()
    {
        var pod = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray() } };
        SidecarPod.Add(pod, new SidecarSpec { Workload = "api", Image = "proxy", Spire = true });

        Assert.True(SidecarPod.Remove(pod));
        Assert.DoesNotContain("spiffe", pod.ToJsonString());
    }

    [Theory]
    [InlineData("cert-manager", "--cert-manager-issuer", "csi.spiffe.io")]
    [InlineData("spire", "csi.spiffe.io", "--cert-manager-issuer")]
    public async Task The_shop_is_published_with_the_identities_that_it_was_asked_for(string identity, string there, string notThere)
    {
        using var shop = await PublishedShop.PublishAsync($"--Shop:Identity={identity}");
        var chart = string.Join('\n', shop.Files().Values);

        Assert.Contains(there, chart, StringComparison.Ordinal);
        Assert.DoesNotContain(notThere, chart, StringComparison.Ordinal);
    }

    private static Dictionary<string, JsonObject> Objects(MeshOptions options) => ControlPlaneObjects.Of(SampleMesh.Model, options).GroupBy(m => m.Kind).ToDictionary(g => g.Key, g => g.First().Body);

    private static string Arguments(Dictionary<string, JsonObject> objects) => objects["Deployment"]["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]!.ToJsonString();

    private static string Role(Dictionary<string, JsonObject> objects) => objects["Role"].ToJsonString();
}
