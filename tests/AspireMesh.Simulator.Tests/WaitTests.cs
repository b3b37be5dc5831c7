using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AspireMesh.Simulator.Tests;

public class WaitTests
{
    [Fact]
    public async Task A_resource_waits_until_the_other_is_healthy()
    {
        var isHealthy = false;
        var wasChecked = new TaskCompletionSource();
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.Services.AddHealthChecks().AddCheck("gate", () =>
        {
            wasChecked.TrySetResult();
            return isHealthy ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy();
        });
        var back = builder.AddTestApp("back").WithHealthCheck("gate");
        builder.AddTestApp("front").WaitFor(back, WaitBehavior.WaitOnResourceUnavailable);
        await using var app = await builder.BuildAsync(TestApp.Patience);
        var start = app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("front", KnownResourceStates.Waiting, TestApp.Patience);
        await wasChecked.Task.WaitAsync(TestApp.Patience);
        Assert.False(start.IsCompleted);

        isHealthy = true;
        await app.ResourceNotifications.WaitForResourceAsync("front", KnownResourceStates.Running, TestApp.Patience);

        await start;
    }

    [Fact]
    public async Task A_resource_waits_for_another_to_complete()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var job = builder.AddExecutable("job", "dotnet", TestApp.Directory, TestApp.Path, "exit", "3");
        builder.AddTestApp("after").WaitForCompletion(job, 3);
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        await app.ResourceNotifications.WaitForResourceAsync("after", KnownResourceStates.Running, TestApp.Patience);
    }

    [Fact]
    public async Task A_wait_for_completion_with_another_exit_code_fails()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var job = builder.AddExecutable("job", "dotnet", TestApp.Directory, TestApp.Path, "exit", "3");
        builder.AddTestApp("after").WaitForCompletion(job);
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        await app.ResourceNotifications.WaitForResourceAsync("after", KnownResourceStates.FailedToStart, TestApp.Patience);
    }

    [Fact]
    public async Task A_resource_cannot_wait_for_itself()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back");

        Assert.Throws<DistributedApplicationException>(() => back.WaitFor(back));
    }
}
