namespace AspireMesh.Simulator.Tests;

public class CallbackTests
{
    // Aspire asks the context for its services while it evaluates.
    private static readonly DistributedApplicationExecutionContext Run = new(new DistributedApplicationExecutionContextOptions(DistributedApplicationOperation.Run)
    {
        Services = new ServiceCollection().AddSingleton<ResourceLoggerService>().BuildServiceProvider(),
    });

    [Fact]
    public async Task Environment_callbacks_share_one_dictionary_in_order()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var app = builder.AddExecutable("app", "x", ".")
            .WithEnvironment("A", "1")
            .WithEnvironment(context => context.EnvironmentVariables["A"] += "2")
            .WithEnvironment("B", () => "3");

        var variables = await VariablesAsync(app.Resource);

        Assert.Equal("12", variables["A"]);
        Assert.Equal("3", variables["B"]);
    }

    [Fact]
    public async Task A_callback_is_evaluated_once()
    {
        var calls = 0;
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var app = builder.AddExecutable("app", "x", ".").WithEnvironment("CALLS", () => $"{++calls}");

        await VariablesAsync(app.Resource);
        var second = await VariablesAsync(app.Resource);

        Assert.Equal("1", second["CALLS"]);
    }

    [Fact]
    public async Task A_callback_added_after_an_evaluation_starts_from_nothing()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var app = builder.AddExecutable("app", "x", ".").WithEnvironment("A", "1");
        await VariablesAsync(app.Resource);
        app.WithEnvironment("B", "2");

        var variables = await VariablesAsync(app.Resource);

        Assert.Equal(["B"], variables.Keys);
    }

    [Fact]
    public async Task A_value_that_resolves_to_nothing_leaves_its_variable_out()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var app = builder.AddExecutable("app", "x", ".").WithEnvironment("NOTHING", new Value(_ => null)).WithEnvironment("SOMETHING", new Value(_ => "x"));

        Assert.Equal(["SOMETHING"], (await VariablesAsync(app.Resource)).Keys);
    }

    [Fact]
    public async Task A_value_that_throws_fails_its_resource()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddTestApp("app").WithEnvironment("BROKEN", new Value(_ => throw new InvalidDataException("not like this")));
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        await app.ResourceNotifications.WaitForResourceAsync("app", KnownResourceStates.FailedToStart, TestApp.Patience);
    }

    [Fact]
    public async Task A_restart_evaluates_callbacks_anew_and_keeps_the_public_port()
    {
        var calls = 0;
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddTestApp("app").WithEnvironment("CALLS", () => $"{++calls}").WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("app", TestApp.Patience);
        var before = app.GetEndpoint("app");
        var first = await app.ResourceNotifications.WaitForResourceAsync("app", e => e.Snapshot.State?.Text == KnownResourceStates.Running, TestApp.Patience);

        var result = await app.ResourceCommands.ExecuteCommandAsync(first.Resource, "restart", TestApp.Patience);
        Assert.True(result.Success, result.Message);
        await app.ResourceNotifications.WaitForResourceAsync("app", e => e.Snapshot.StartTimeStamp > first.Snapshot.StartTimeStamp && e.Snapshot.HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy, TestApp.Patience);

        Assert.Equal(before, app.GetEndpoint("app"));
        Assert.Equal("2", (await TestApp.EnvironmentOfAsync(app, "app"))["CALLS"]);
    }

    [Fact]
    public async Task Arguments_may_be_values_that_are_resolved_late()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back");
        builder.AddTestApp("front", "plain").WithArgs(back.GetEndpoint("http")).WithArgs(context => context.Args.Add(ReferenceExpression.Create($"port={back.GetEndpoint("http").Property(EndpointProperty.Port)}"))).WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);
        using var client = app.CreateHttpClient("front");

        var args = await client.GetStringAsync("/args", TestApp.Patience);

        var url = app.GetEndpoint("back");
        Assert.Equal($"""["plain","{url.ToString().TrimEnd('/')}","port={url.Port}"]""", args);
    }

    private static async Task<Dictionary<string, string>> VariablesAsync(IResource resource)
    {
        var configuration = await ExecutionConfigurationBuilder.Create(resource).WithEnvironmentVariablesConfig().BuildAsync(Run, null, TestApp.Patience);
        return configuration.EnvironmentVariables.ToDictionary(v => v.Key, v => v.Value);
    }

    private sealed class Value(Func<object?, string?> value) : IValueProvider, IManifestExpressionProvider
    {
        public string ValueExpression => "{value}";

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(value(null));
    }
}
