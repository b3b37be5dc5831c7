using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Protocol;
using Grpc.Core;
using ResourceMessage = AspireMesh.Simulator.Dashboard.Protocol.Resource;

namespace AspireMesh.Simulator.Tests.SimulatorOnly.Dashboard;

public sealed class ResourceServiceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_caller_without_the_key_is_refused()
    {
        await using var fixture = await ResourceServiceFixture.StartAsync();

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await fixture.Client.GetApplicationInformationAsync(new()));

        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task The_application_is_named_without_AppHost()
    {
        await using var fixture = await ResourceServiceFixture.StartAsync();

        var answer = await fixture.Client.GetApplicationInformationAsync(new(), ResourceServiceFixture.Authorized);

        Assert.Equal("Shop", answer.ApplicationName);
    }

    [Fact]
    public async Task A_page_sees_what_is_there_and_then_every_change()
    {
        await using var fixture = await ResourceServiceFixture.StartAsync();
        var catalog = new ProjectResource("catalog");
        await fixture.PublishAsync(catalog, "catalog-abc", s => s with { ResourceType = "Project", State = "Starting" });
        using var limit = new CancellationTokenSource(Patience);
        using var call = fixture.Client.WatchResources(new(), ResourceServiceFixture.Authorized, cancellationToken: limit.Token);

        var first = await ReadUntilAsync(call, "catalog-abc", r => r.State == "Starting", limit.Token);
        await fixture.PublishAsync(catalog, "catalog-abc", s => s with
        {
            State = new ResourceStateSnapshot("Running", "success"),
            Urls = [new UrlSnapshot("http", "http://localhost:5001", IsInternal: false)],
            EnvironmentVariables = [new EnvironmentVariableSnapshot("A", "1", IsFromSpec: true)],
            Properties = [new ResourcePropertySnapshot("project.path", "/shop/catalog.csproj"), new ResourcePropertySnapshot("executable.pid", 42)],
        });
        var second = await ReadUntilAsync(call, "catalog-abc", r => r.State == "Running", limit.Token);

        Assert.Equal("catalog", first.DisplayName);
        Assert.Equal("Project", first.ResourceType);
        Assert.NotNull(first.CreatedAt);
        Assert.Equal("success", second.StateStyle);
        Assert.Equal("http://localhost:5001", Assert.Single(second.Urls).FullUrl);
        Assert.Equal("1", Assert.Single(second.Environment).Value);
        Assert.Equal(42, second.Properties.Single(p => p.Name == "executable.pid").Value.NumberValue);
        Assert.Equal("Project path", second.Properties.Single(p => p.Name == "project.path").DisplayName);
    }

    [Fact]
    public async Task Replicas_are_rows_of_their_own_and_a_sidecar_lies_under_the_replica_of_its_number()
    {
        await using var fixture = await ResourceServiceFixture.StartAsync();
        var catalog = new ProjectResource("catalog");
        catalog.Annotations.Add(Replicas("catalog-1", "catalog-2"));
        var sidecar = new ExecutableResource("catalog-sidecar", "proxy", "/");
        sidecar.Annotations.Add(Replicas("catalog-sidecar-1", "catalog-sidecar-2"));
        sidecar.Annotations.Add(new ResourceRelationshipAnnotation(catalog, "Parent"));
        using var limit = new CancellationTokenSource(Patience);
        using var call = fixture.Client.WatchResources(new(), ResourceServiceFixture.Authorized, cancellationToken: limit.Token);
        foreach (var (resource, id) in new (IResource, string)[] { (sidecar, "catalog-sidecar-2"), (catalog, "catalog-1"), (catalog, "catalog-2") })
        {
            await fixture.PublishAsync(resource, id, s => s with { ResourceType = "Executable", State = "Running" });
        }

        var shown = await ReadUntilAsync(call, "catalog-sidecar-2", _ => true, limit.Token);

        Assert.Equal("catalog-2", shown.Properties.Single(p => p.Name == "resource.parentName").Value.StringValue);
    }

    [Fact]
    public async Task Console_lines_arrive_with_their_numbers_and_streams()
    {
        await using var fixture = await ResourceServiceFixture.StartAsync();
        fixture.Logs.Append("catalog-abc", "started", isError: false);
        fixture.Logs.Append("catalog-abc", "oh no", isError: true);
        using var limit = new CancellationTokenSource(Patience);
        using var call = fixture.Client.WatchResourceConsoleLogs(
            new() { ResourceName = "catalog-abc" }, ResourceServiceFixture.Authorized, cancellationToken: limit.Token);

        var lines = new List<ConsoleLogLine>();
        while (lines.Count < 2 && await call.ResponseStream.MoveNext(limit.Token))
        {
            lines.AddRange(call.ResponseStream.Current.LogLines);
        }

        Assert.Collection(
            lines,
            line => Assert.True(line is { LineNumber: 1, IsStdErr: false } && line.Text.EndsWith("started", StringComparison.Ordinal)),
            line => Assert.True(line is { LineNumber: 2, IsStdErr: true } && line.Text.EndsWith("oh no", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_command_runs_on_the_instance_and_its_failure_is_told()
    {
        await using var fixture = await ResourceServiceFixture.StartAsync();
        var catalog = new ProjectResource("catalog");
        string? ranOn = null;
        catalog.Annotations.Add(new ResourceCommandAnnotation(
            "empty", "Empty the cache", _ => Aspire.Hosting.ApplicationModel.ResourceCommandState.Enabled, RunAsync, null, null, null, null, null, isHighlighted: true));
        await fixture.PublishAsync(catalog, "catalog-abc", s => s with { ResourceType = "Project", State = "Running" });

        var answer = await fixture.Client.ExecuteResourceCommandAsync(new() { ResourceName = "catalog-abc", CommandName = "empty" }, ResourceServiceFixture.Authorized);

        Assert.Equal("catalog-abc", ranOn);
        Assert.Equal(ResourceCommandResponseKind.Failed, answer.Kind);
        Assert.Equal("The cache is locked.", answer.Message);

        Task<ExecuteCommandResult> RunAsync(ExecuteCommandContext context)
        {
            ranOn = context.ResourceName;
            return Task.FromResult(CommandResults.Failure("The cache is locked."));
        }
    }

    private static ReplicaInstancesAnnotation Replicas(params string[] ids) =>
        new([.. ids.Select((id, ordinal) => new ReplicaInstance(ordinal, id, new Dictionary<string, int>()))]);

    private static async Task<ResourceMessage> ReadUntilAsync(
        AsyncServerStreamingCall<WatchResourcesUpdate> call, string id, Func<ResourceMessage, bool> condition, CancellationToken cancellationToken)
    {
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            var update = call.ResponseStream.Current;
            var resources = update.InitialData is { } initial ? initial.Resources : update.Changes.Value.Select(v => v.Upsert);
            if (resources.FirstOrDefault(r => r.Name == id && condition(r)) is { } found)
            {
                return found;
            }
        }

        throw new InvalidOperationException($"The stream ended before {id} was as expected.");
    }
}
