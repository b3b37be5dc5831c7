using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Hosting.Kubernetes.Tests.Rendering;

namespace AspireMesh.Hosting.Kubernetes.Tests.Validating;

/// <summary>Nothing dangles in a mesh that uses every policy: selectors select, hosts and ports are there, identities are somebody's, weights add up.</summary>
public class ReferenceTests
{
    /// <summary>What is named and is not the chart's: the host outside the mesh.</summary>
    internal static readonly HashSet<string> Outside = ["bank.example", "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"];

    public static TheoryData<MeshBackend> Backends => [.. MeshRenderers.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public void Nothing_dangles(MeshBackend backend)
    {
        var references = Look(backend, _ => { });
        Assert.Empty(references.Dangling);
        Assert.True(references.Seen > 10, $"only {references.Seen} references were found");
    }

    [Theory]
    [InlineData(MeshBackend.Istio, "VirtualService", "api-service", "apy-service")]
    [InlineData(MeshBackend.Istio, "AuthorizationPolicy", "/sa/web", "/sa/wep")]
    [InlineData(MeshBackend.Istio, "Sidecar", "api-service", "apy-service")]
    [InlineData(MeshBackend.Istio, "DestinationRule", "\"web\"", "\"wep\"")]
    [InlineData(MeshBackend.IstioAmbient, "HTTPRoute", "\"port\":8080", "\"port\":8079")]
    [InlineData(MeshBackend.Linkerd, "AuthorizationPolicy", "\"api-http\"", "\"api-htp\"")]
    [InlineData(MeshBackend.Linkerd, "Server", "\"api\"", "\"apy\"")]
    [InlineData(MeshBackend.Linkerd, "MeshTLSAuthentication", "\"web\"", "\"wep\"")]
    [InlineData(MeshBackend.Consul, "ServiceIntentions", "\"web\"", "\"wep\"")]
    [InlineData(MeshBackend.Consul, "ServiceRouter", "\"service\":\"api", "\"service\":\"apy")]
    [InlineData(MeshBackend.Kuma, "MeshTrafficPermission", "/sa/web", "/sa/wep")]
    [InlineData(MeshBackend.Kuma, "MeshTimeout", "\"http\"", "\"htp\"")]
    [InlineData(MeshBackend.OpenServiceMesh, "TrafficTarget", "\"web\"", "\"wep\"")]
    [InlineData(MeshBackend.AppMesh, "VirtualNode", "api-service", "apy-service")]
    [InlineData(MeshBackend.Istio, "VirtualService", "\"sniHosts\":[\"db.", "\"sniHosts\":[\"dp.")]
    [InlineData(MeshBackend.GatewayApi, "TLSRoute", "\"secure\"", "\"sekure\"")]
    [InlineData(MeshBackend.NetworkServiceMesh, "NetworkService", "\"shop-net-0\"", "\"shop-net-1\"")]
    [InlineData(MeshBackend.NetworkServiceMesh, "Deployment", "\"NSM_SERVICE_NAMES\",\"value\":\"shop-net-0\"", "\"NSM_SERVICE_NAMES\",\"value\":\"shop-net-1\"")]
    public void What_dangles_is_found(MeshBackend backend, string kind, string what, string instead)
    {
        var changed = 0;
        var references = Look(backend, bodies =>
        {
            for (var i = 0; i < bodies.Count; i++)
            {
                var text = bodies[i]["kind"]!.GetValue<string>() == kind ? bodies[i].ToJsonString() : "";
                if (text.Contains(what, StringComparison.Ordinal)) (bodies[i], changed) = ((JsonObject)JsonNode.Parse(text.Replace(what, instead, StringComparison.Ordinal))!, changed + 1);
            }
        });
        Assert.True(changed > 0, "nothing was changed");
        Assert.NotEmpty(references.Dangling);
    }

    private static References Look(MeshBackend backend, Action<List<JsonObject>> change)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement);
        var land = Landscape.Of(SampleMesh.Placement, rendering);
        change(land.Objects);
        var references = new References(land, Outside);
        references.Walk();
        references.WalkNetworks(rendering.Marks.Where(m => m.Key == "networkservicemesh.io").Select(m => m.Value));
        return references;
    }
}
