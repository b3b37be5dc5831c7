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

    [Fact]
    public async Task An_app_is_told_of_the_forward_proxy_in_both_cases_of_every_variable()
    {
        _app.Mesh().WithoutUndeclaredEgress();
        var front = _app.Http("front");

        await ApplyAsync(proxy: null);

        var variables = await VariablesAsync(front.Resource);
        foreach (var name in new[] { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" }) Assert.Equal("http://127.0.0.1:9003", variables[name]);
        foreach (var name in new[] { "NO_PROXY", "no_proxy" }) Assert.Equal("localhost,127.0.0.1,::1,[::1]", variables[name]);
        Assert.Equal("1", variables["NODE_USE_ENV_PROXY"]);
        Assert.False(variables.ContainsKey("ALL_PROXY"));
    }

    [Fact]
    public async Task A_container_is_told_of_the_forward_proxy_on_the_bridge_and_reaches_this_machine_without_it()
    {
        _app.Mesh().WithoutUndeclaredEgress();
        var box = _app.Builder.AddContainer("box", "image");

        await ApplyAsync(proxy: null);

        var variables = await VariablesAsync(box.Resource);
        Assert.Equal("http://172.17.0.1:9003", variables["https_proxy"]);
        Assert.Equal("localhost,127.0.0.1,::1,[::1],172.17.0.1,host.docker.internal,host.containers.internal,.dev.internal", variables["NO_PROXY"]);
    }

    [Theory]
    [InlineData("HTTP_PROXY")]
    [InlineData("https_proxy")]
    [InlineData("ALL_PROXY")]
    public async Task A_proxy_that_the_user_set_is_never_replaced(string name)
    {
        _app.Mesh().WithoutUndeclaredEgress();
        var front = _app.Http("front").WithEnvironment(name, "http://proxy.test");

        await ApplyAsync(proxy: null);

        Assert.Equal([name], (await VariablesAsync(front.Resource)).Keys.Where(k => k.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task What_the_user_reaches_directly_stays_so()
    {
        _app.Mesh().WithoutUndeclaredEgress();
        var front = _app.Http("front").WithEnvironment("no_proxy", ".corp.test").WithEnvironment("NODE_USE_ENV_PROXY", "0");

        await ApplyAsync(proxy: null);

        var variables = await VariablesAsync(front.Resource);
        Assert.Equal((".corp.test", false, "0"), (variables["no_proxy"], variables.ContainsKey("NO_PROXY"), variables["NODE_USE_ENV_PROXY"]));
        Assert.Equal("http://127.0.0.1:9003", variables["https_proxy"]);
    }

    [Fact]
    public async Task Without_the_mode_no_variable_is_touched()
    {
        var front = _app.Http("front");

        await ApplyAsync(proxy: null);

        Assert.DoesNotContain(await VariablesAsync(front.Resource), v => v.Key.Contains("PROXY", StringComparison.OrdinalIgnoreCase));
    }

    private async Task<Dictionary<string, object>> VariablesAsync(IResource resource)
    {
        Dictionary<string, object> variables = [];
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>()) await callback.Callback(new EnvironmentCallbackContext(_app.Builder.ExecutionContext, resource, variables));
        return variables;
    }

    private static IEnumerable<string> Waits(IResource resource) => resource.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource.Name);

    private async Task ApplyAsync(FoundExecutable? proxy) =>
        new PlanApplier(await _app.PlanAsync(), _app.Builder.Resources, _app.Builder.Configuration, _app.Builder.Environment).Apply(proxy, (instance, _) => Task.FromResult($"bootstrap of {instance}"));
}
