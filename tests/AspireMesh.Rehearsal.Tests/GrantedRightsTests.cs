using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Rehearsal.Reading;
using AspireMesh.Rehearsal.StandIn;

namespace AspireMesh.Rehearsal.Tests;

/// <summary>A rehearsal's API server grants what the published roles grant, and refuses the rest as a cluster does.</summary>
public class GrantedRightsTests
{
    private const string Namespace = "default";

    [Theory]
    [InlineData("GET", "api/v1/namespaces/default/secrets/aspiremesh-ca", HttpStatusCode.NotFound)]
    [InlineData("GET", "api/v1/namespaces/default/secrets/postgres-secrets", HttpStatusCode.Forbidden)]
    [InlineData("GET", "api/v1/namespaces/default/secrets", HttpStatusCode.Forbidden)]
    [InlineData("DELETE", "api/v1/namespaces/default/secrets/aspiremesh-ca", HttpStatusCode.Forbidden)]
    [InlineData("GET", "api/v1/namespaces/default/configmaps?fieldSelector=metadata.name=aspiremesh-mesh", HttpStatusCode.OK)]
    [InlineData("GET", "api/v1/namespaces/default/configmaps", HttpStatusCode.Forbidden)]
    [InlineData("GET", "apis/coordination.k8s.io/v1/namespaces/default/leases/aspiremesh-control-plane", HttpStatusCode.NotFound)]
    [InlineData("GET", "apis/coordination.k8s.io/v1/namespaces/default/leases/another", HttpStatusCode.Forbidden)]
    [InlineData("GET", "apis/discovery.k8s.io/v1/namespaces/default/endpointslices", HttpStatusCode.OK)]
    [InlineData("GET", "apis/apps/v1/namespaces/default/endpointslices", HttpStatusCode.Forbidden)]
    [InlineData("GET", "api/v1/namespaces/default/pods", HttpStatusCode.Forbidden)]
    public async Task What_the_charts_roles_do_not_grant_is_forbidden(string method, string path, HttpStatusCode expected)
    {
        await using var api = await StandInApi.StartAsync(Namespace, cancellationToken: TestContext.Current.CancellationToken);
        api.Rights = GrantedRights.Of(Published());
        using var http = new HttpClient { BaseAddress = new Uri($"{api.Address}/") };
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(expected, answer.StatusCode);
        if (expected != HttpStatusCode.Forbidden) return;
        var status = (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;
        Assert.Equal("Forbidden", status["reason"]!.GetValue<string>());
        Assert.Contains("aspiremesh-control-plane", status["message"]!.GetValue<string>());
    }

    [Fact]
    public void Roles_that_nobodys_pods_are_bound_to_grant_nothing_and_manifests_without_bindings_say_nothing()
    {
        var without = Published().Objects.Where(o => (string?)o["kind"] is "Deployment" or "Role").ToArray();
        Assert.Null(GrantedRights.Of(new ManifestSet("here", Namespace, without)));

        var others = Published().Objects.Select(o => o.DeepClone().AsObject()).ToArray();
        foreach (var binding in others.Where(o => ((string)o["kind"]!).EndsWith("Binding", StringComparison.Ordinal))) binding["subjects"]![0]!["name"] = "somebody-else";
        Assert.False(GrantedRights.Of(new ManifestSet("here", Namespace, others))!.Allows("get", "", "secrets", "aspiremesh-ca"));
        Assert.True(GrantedRights.Of(Published())!.Allows("create", "authentication.k8s.io", "tokenreviews", null));
    }

    /// <summary>The control plane of the shop's chart, as reviewed.</summary>
    private static ManifestSet Published([CallerFilePath] string caller = "")
    {
        var folder = Path.Combine(Path.GetDirectoryName(caller)!, "..", "AspireMesh.Hosting.Kubernetes.Tests", "Snapshots", "Shop", "AspireMesh", "templates", "aspiremesh");
        string[] files = ["role-control-plane", "rolebinding-control-plane", "clusterrole-control-plane", "clusterrolebinding-control-plane"];
        var objects = files.SelectMany(f => YamlDocuments.Read(File.ReadAllText(Path.Combine(folder, $"{f}.verified.yaml")), f));
        var deployment = JsonNode.Parse("""{"kind":"Deployment","metadata":{"name":"control"},"spec":{"selector":{},"template":{"spec":{"serviceAccountName":"aspiremesh-control-plane","containers":[]}}}}""")!.AsObject();
        return new ManifestSet(folder, Namespace, [.. objects, deployment]);
    }
}
