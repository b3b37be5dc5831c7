namespace AspireMesh.Simulator.Tests.SimulatorOnly;

public class ProjectTests
{
    [Fact]
    public async Task A_tests_application_is_the_AppHosts_own()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AspireMesh_Test_AppHost>(TestApp.Patience);
        Assert.Contains("front", builder.Resources.Select(r => r.Name));
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);
        using var client = app.CreateHttpClient("front");

        Assert.StartsWith("hello", await client.GetStringAsync("/call/BACK_HTTP", TestApp.Patience), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_to_a_resource_go_to_all_its_processes()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddProject<Projects.AspireMesh_TestApp>("back").WithHttpEndpoint().WithReplicas(3).WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("back", TestApp.Patience);
        var seen = new HashSet<string>();

        while (seen.Count < 3)
        {
            using var client = app.CreateHttpClient("back");
            try
            {
                seen.Add(await client.GetStringAsync("/pid", TestApp.Patience));
            }
            catch (HttpRequestException)
            {
                // The resource is healthy when one process answers; the others may still be on their way.
                await Task.Yield();
            }
        }

        Assert.Equal(3, seen.Count);
    }

    [Fact]
    public async Task Each_process_binds_the_port_its_annotation_says()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddProject<Projects.AspireMesh_TestApp>("back").WithHttpEndpoint().WithReplicas(2).WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("back", TestApp.Patience);
        Assert.True(back.Resource.TryGetLastAnnotation<ReplicaInstancesAnnotation>(out var replicas));

        foreach (var instance in replicas.Instances)
        {
            var pid = app.ResourceNotifications.TryGetCurrentState(instance.InstanceId, out var state) ? state.Snapshot.Properties.Single(p => p.Name == "executable.pid").Value : null;
            using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{instance.TargetPorts["http"]}") };
            Assert.Equal(pid, await UntilItAnswersAsync(client, "/pid"));
        }
    }

    [Fact]
    public async Task A_value_that_differs_by_process_is_put_in_when_it_starts()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var values = new ReplicaValuesAnnotation();
        values.Set(0, "color", "red");
        values.Set(1, "color", "blue");
        var back = builder.AddProject<Projects.AspireMesh_TestApp>("back").WithHttpEndpoint().WithReplicas(2).WithAnnotation(values)
            .WithEnvironment("COLOR", """it is {{- replicaValue "color" -}}""");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        Assert.True(back.Resource.TryGetLastAnnotation<ReplicaInstancesAnnotation>(out var replicas));

        foreach (var (instance, color) in replicas.Instances.Zip(["red", "blue"]))
        {
            using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{instance.TargetPorts["http"]}") };
            Assert.Contains($"it is{color}", await UntilItAnswersAsync(client, "/env"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_https_endpoint_works_without_a_developer_certificate()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddProject<Projects.AspireMesh_TestApp>("back").WithHttpsEndpoint().WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("back", TestApp.Patience);
        using var client = app.CreateHttpClient("back");

        Assert.Contains("\"scheme\":\"https\"", await client.GetStringAsync("/request", TestApp.Patience), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_fails_its_resource_and_what_needs_it_and_nothing_else()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        await using var builder = DistributedApplicationTestingBuilder.Create("--DcpPublisher:RandomizePorts=false");
        var back = builder.AddTestApp("back").WithEndpoint("http", e => e.Port = port);
        builder.AddTestApp("front").WithReference(back.GetEndpoint("http"));
        builder.AddTestApp("other");
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        await app.ResourceNotifications.WaitForResourceAsync("back", KnownResourceStates.FailedToStart, TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("front", KnownResourceStates.FailedToStart, TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("other", KnownResourceStates.Running, TestApp.Patience);
    }

    private static async Task<string> UntilItAnswersAsync(HttpClient client, string path)
    {
        while (true)
        {
            try
            {
                return await client.GetStringAsync(path, TestApp.Patience);
            }
            catch (HttpRequestException)
            {
                await Task.Delay(20, TestApp.Patience);
            }
        }
    }
}
