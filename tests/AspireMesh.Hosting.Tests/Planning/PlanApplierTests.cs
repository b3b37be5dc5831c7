using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Tests.Planning;

public class PlanApplierTests
{
    private readonly Planned _app = new();

    [Fact]
    public async Task The_app_waits_for_its_sidecar_and_for_the_sidecars_of_those_it_waits_for()
    {
        var back = _app.Http("back");
        var front = _app.Http("front").WithReference(back.GetEndpoint("http")).WaitFor(back);

        await ApplyAsync(proxy: null);

        Assert.Equal(["back-sidecar"], Waits(back.Resource));
        Assert.Equal(["back", "front-sidecar", "back-sidecar"], Waits(front.Resource));
        Assert.All(_app.Builder.Resources.OfType<IMeshSidecarResource>(), s => Assert.Empty(Waits(s)));
    }

    [Fact]
    public async Task A_sidecar_is_a_row_under_its_workload_with_a_health_check_and_stays_out_of_manifests()
    {
        var back = _app.Http("back");

        await ApplyAsync(new FoundExecutable("dotnet", ["aspiremesh-proxy.dll"]));

        var sidecar = Assert.Single(_app.Builder.Resources.OfType<MeshSidecarProcessResource>());
        Assert.Equal(("back-sidecar", "back", "dotnet"), (sidecar.Name, sidecar.Instance, sidecar.Command));
        Assert.Equal((back.Resource, "Parent"), sidecar.Annotations.OfType<ResourceRelationshipAnnotation>().Select(r => (r.Resource, r.Type)).Single());
        Assert.Equal("back-sidecar_mesh_check", sidecar.Annotations.OfType<HealthCheckAnnotation>().Single().Key);
        Assert.Contains(ManifestPublishingCallbackAnnotation.Ignore, sidecar.Annotations);
        Dictionary<string, object> variables = [];
        foreach (var callback in sidecar.Annotations.OfType<EnvironmentCallbackAnnotation>()) await callback.Callback(new EnvironmentCallbackContext(_app.Builder.ExecutionContext, sidecar, variables));
        Assert.Equal("bootstrap of back", variables["ASPIREMESH_BOOTSTRAP"]);
    }

    [Fact]
    public async Task The_gateway_takes_over_the_public_port()
    {
        var shop = _app.Builder.AddExecutable("shop", "app", ".").WithHttpEndpoint(port: 8123, name: "http").WithExternalHttpEndpoints();

        await ApplyAsync(proxy: null);

        Assert.Null(shop.Resource.Annotations.OfType<EndpointAnnotation>().Single().Port);
        Assert.Equal("http://localhost:8123", shop.Resource.Annotations.OfType<ResourceUrlAnnotation>().Single().Url);
    }

    private static IEnumerable<string> Waits(IResource resource) => resource.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource.Name);

    private async Task ApplyAsync(FoundExecutable? proxy) =>
        new PlanApplier(await _app.PlanAsync(), _app.Builder.Resources, _app.Builder.Configuration, _app.Builder.Environment).Apply(proxy, (instance, _) => Task.FromResult($"bootstrap of {instance}"));
}
