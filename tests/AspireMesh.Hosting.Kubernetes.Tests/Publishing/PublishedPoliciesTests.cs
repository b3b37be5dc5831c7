using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Manifests.Charts;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>An AppHost with every policy of the mesh, published to every mesh.</summary>
public class PublishedPoliciesTests
{
    public static TheoryData<MeshBackend> Backends => [MeshBackend.AspireMesh, .. MeshRenderers.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Every_policy_has_a_verdict_and_no_key_is_written(MeshBackend backend)
    {
        using var published = await PublishAsync($"--Mesh:PublishTo={backend}");
        var objects = Objects(published);
        // The schemas of other meshes' kinds hold what the shop uses and not yet all that is written here.
        Assert.All(objects.Select(KubernetesKinds.Check).OfType<string>(), p => Assert.EndsWith("is not known here", p, StringComparison.Ordinal));
        Assert.DoesNotContain(published.Files().Values, text => text.Contains("PRIVATE KEY", StringComparison.Ordinal));

        var report = published.Files()["mesh-report.md"];
        foreach (var gateway in new[] { "door", "vault", "passage" }) Assert.Contains(gateway, report, StringComparison.Ordinal);
        // Replicas that differ are said: pods come from one template.
        Assert.Contains("MESH0704", published.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_passes_tls_through_is_met_at_443_and_one_that_would_end_it_is_said_to_take_plain_http()
    {
        using var published = await PublishAsync();
        var services = Objects(published).Where(o => o["kind"]!.GetValue<string>() == "Service").ToDictionary(o => o["metadata"]!["name"]!.GetValue<string>(), o => o["spec"]!["ports"]![0]!);
        Assert.Equal(("tls", 443, null), Port(services["passage-gateway"]));
        Assert.Equal(("http", 80, "http"), Port(services["door-gateway"]));
        Assert.Equal(("http", 80, "http"), Port(services["vault-gateway"]));

        Assert.Contains(Lines(published), l => l.Contains("vault", StringComparison.Ordinal) && l.Contains("it takes plain HTTP, so end TLS at an ingress", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines(published), l => (l.Contains("door", StringComparison.Ordinal) || l.Contains("passage", StringComparison.Ordinal)) && l.Contains("takes plain HTTP", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(MeshBackend.Istio)]
    [InlineData(MeshBackend.GatewayApi)]
    public async Task Another_mesh_ends_the_tls_of_a_gateway_with_a_secret_of_the_clusters(MeshBackend backend)
    {
        using var published = await PublishAsync($"--Mesh:PublishTo={backend}");
        Assert.Contains("vault-tls", string.Concat(Objects(published).Where(o => o["kind"]!.GetValue<string>() == "Gateway").Select(o => o.ToJsonString())), StringComparison.Ordinal);
        Assert.Contains(Lines(published), l => l.Contains("Secret vault-tls", StringComparison.Ordinal));
    }

    private static async Task<PublishedShop> PublishAsync(params string[] arguments)
    {
        var published = new PublishedShop("AspireMesh.Policies.AppHost");
        await published.AgainAsync(arguments);
        Assert.True(published.ExitCode == 0, published.Log);
        return published;
    }

    private static JsonObject[] Objects(PublishedShop published) => [.. ChartReader.Render(published.Folder, new ChartRelease { Name = "policies", Namespace = "prod" }).Select(o => o.Body)];

    private static string[] Lines(PublishedShop published) => published.Files()["mesh-report.md"].Split('\n');

    private static (string Name, long Port, string? Protocol) Port(JsonNode port) => (port["name"]!.GetValue<string>(), port["port"]!.GetValue<long>(), port["appProtocol"]?.GetValue<string>());
}
