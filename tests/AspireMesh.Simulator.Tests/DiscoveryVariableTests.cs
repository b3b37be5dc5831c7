namespace AspireMesh.Simulator.Tests;

public class DiscoveryVariableTests
{
    [Fact]
    public async Task A_reference_to_an_endpoint_sets_both_styles()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back-end");
        var front = builder.AddExecutable("front", "x", ".").WithReference(back.GetEndpoint("http"));

        var variables = await VariablesAsync(front.Resource);

        Assert.Equal(["BACK_END_HTTP", "services__back-end__http__0"], variables.Keys.Order(StringComparer.Ordinal));
        Assert.All(variables.Values, value => Assert.IsType<EndpointReference>(value));
    }

    [Fact]
    public async Task Endpoints_named_otherwise_go_by_their_name()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = new Service("back");
        builder.AddResource(back).WithHttpEndpoint(name: "admin").WithHttpEndpoint().WithHttpsEndpoint();
        var front = builder.AddExecutable("front", "x", ".").WithReference(builder.CreateResourceBuilder(back));

        var variables = await VariablesAsync(front.Resource);

        Assert.Equal(
            ["BACK_ADMIN", "BACK_HTTP", "BACK_HTTPS", "services__back__admin__0", "services__back__http__0", "services__back__https__0"],
            variables.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_reference_under_another_name_keeps_its_case()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddResource(new Service("back")).WithHttpEndpoint();
        var front = builder.AddExecutable("front", "x", ".").WithReference(back, "Other");

        Assert.Equal(["Other_HTTP", "services__Other__http__0"], (await VariablesAsync(front.Resource)).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_endpoint_that_excludes_itself_is_left_out_unless_named()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddResource(new Service("back")).WithHttpEndpoint().WithEndpoint("hidden", e => e.ExcludeReferenceEndpoint = true);
        var all = builder.AddExecutable("all", "x", ".").WithReference(back);
        var named = builder.AddExecutable("named", "x", ".").WithReference(back.GetEndpoint("hidden"));

        Assert.DoesNotContain("services__back__hidden__0", (await VariablesAsync(all.Resource)).Keys);
        Assert.Contains("services__back__hidden__0", (await VariablesAsync(named.Resource)).Keys);
    }

    [Fact]
    public async Task Injection_flags_choose_the_styles()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back");
        var front = builder.AddExecutable("front", "x", ".").WithReference(back.GetEndpoint("http")).WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ServiceDiscovery);

        Assert.Equal(["services__back__http__0"], (await VariablesAsync(front.Resource)).Keys);
    }

    [Fact]
    public async Task An_external_service_and_a_named_url_have_keys_of_their_own()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var bank = builder.AddExternalService("bank", "https://bank.example/");
        var front = builder.AddExecutable("front", "x", ".").WithReference(bank).WithReference("mail", new Uri("http://mail.example/"));

        var variables = await VariablesAsync(front.Resource);

        Assert.Equal("https://bank.example/", variables["services__bank__https__0"]);
        Assert.Equal("https://bank.example/", variables["BANK"]);
        Assert.Equal("http://mail.example/", variables["services__mail__default__0"]);
        Assert.Equal("http://mail.example/", variables["mail"]);
    }

    [Fact]
    public async Task A_connection_string_reference_sets_its_variable()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var server = builder.AddTestApp("server");
        var connection = builder.AddConnectionString("store", ReferenceExpression.Create($"Host={server.GetEndpoint("http").Property(EndpointProperty.HostAndPort)}"));
        builder.AddTestApp("front").WithReference(connection).WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);

        var variables = await TestApp.EnvironmentOfAsync(app, "front");

        Assert.Equal($"Host={app.GetEndpoint("server").Authority}", variables["ConnectionStrings__store"]);
    }

    // Called directly, as an extension that only looks does: nothing is evaluated for good.
    private static async Task<Dictionary<string, object>> VariablesAsync(IResource resource)
    {
        var context = new EnvironmentCallbackContext(new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), resource, [], TestApp.Patience);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return context.EnvironmentVariables;
    }

    private sealed class Service(string name) : ExecutableResource(name, "x", "."), IResourceWithServiceDiscovery;
}
