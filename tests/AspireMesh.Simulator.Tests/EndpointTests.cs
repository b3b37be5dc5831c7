namespace AspireMesh.Simulator.Tests;

public class EndpointTests
{
    [Fact]
    public async Task Values_of_an_endpoint_wait_for_its_allocation()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var endpoint = builder.AddTestApp("back").GetEndpoint("http");
        var url = endpoint.GetValueAsync(TestApp.Patience).AsTask();
        Assert.Equal("http", await endpoint.Property(EndpointProperty.Scheme).GetValueAsync(TestApp.Patience));
        Assert.False(url.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => endpoint.Port);
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        Assert.Equal(app.GetEndpoint("back"), new Uri((await url)!));
    }

    [Fact]
    public async Task A_reference_asked_too_early_keeps_its_first_answer()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back");
        var early = back.GetEndpoint("http");
        Assert.False(early.IsAllocated);
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);

        Assert.False(early.IsAllocated);
        Assert.True(back.GetEndpoint("http").IsAllocated);
    }

    [Fact]
    public async Task The_process_binds_another_port_than_the_public_one()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddTestApp("back").WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("back", TestApp.Patience);

        var variables = await TestApp.EnvironmentOfAsync(app, "back");

        Assert.NotEqual(app.GetEndpoint("back").Port, int.Parse(variables["ASPNETCORE_HTTP_PORTS"]));
    }

    [Fact]
    public async Task Without_a_proxy_the_process_binds_the_public_port()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddExecutable("back", "dotnet", TestApp.Directory, TestApp.Path).WithHttpEndpoint(env: "ASPNETCORE_HTTP_PORTS", isProxied: false).WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("back", TestApp.Patience);

        var variables = await TestApp.EnvironmentOfAsync(app, "back");

        Assert.Equal(app.GetEndpoint("back").Port, int.Parse(variables["ASPNETCORE_HTTP_PORTS"]));
    }

    [Fact]
    public async Task A_target_port_is_known_to_its_own_process_only()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back");
        builder.AddTestApp("front").WithEnvironment("BACKS_OWN", $"{back.GetEndpoint("http").Property(EndpointProperty.TargetPort)}").WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);

        Assert.Equal("""{{- portForServing "back" -}}""", (await TestApp.EnvironmentOfAsync(app, "front"))["BACKS_OWN"]);
    }

    [Fact]
    public async Task An_existing_endpoint_is_changed_where_values_are_given()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddExecutable("back", "x", ".").WithHttpEndpoint(port: 5001, name: "web").WithHttpEndpoint(targetPort: 8080, name: "web");

        var endpoint = Assert.Single(back.Resource.Annotations.OfType<EndpointAnnotation>());

        Assert.Equal((5001, 8080), (endpoint.Port, endpoint.TargetPort));
    }

    [Theory]
    [InlineData(5002, 5002, true)]
    [InlineData(5001, 5002, false)]
    public async Task Ports_that_cannot_work_end_the_start(int port, int targetPort, bool isProxied)
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddExecutable("back", "dotnet", TestApp.Directory, TestApp.Path).WithHttpEndpoint(port, targetPort, isProxied: isProxied);
        await using var app = await builder.BuildAsync(TestApp.Patience);

        var error = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync(TestApp.Patience));

        Assert.Contains("back", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1back")]
    [InlineData("back--end")]
    [InlineData("back-")]
    [InlineData("back_end")]
    [InlineData("a1234567890123456789012345678901234567890123456789012345678901234")]
    public async Task A_name_that_is_not_allowed_is_refused(string name)
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();

        Assert.ThrowsAny<ArgumentException>(() => builder.AddExecutable(name, "x", "."));
    }

    [Fact]
    public async Task A_name_is_taken_once_whatever_its_case()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddExecutable("back", "x", ".");

        Assert.Throws<DistributedApplicationException>(() => builder.AddExecutable("BACK", "x", "."));
    }
}
