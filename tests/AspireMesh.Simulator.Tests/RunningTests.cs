namespace AspireMesh.Simulator.Tests;

public class RunningTests
{
    [Fact]
    public async Task An_executable_with_an_endpoint_runs_and_answers()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddTestApp("back").WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("back", TestApp.Patience);
        using var client = app.CreateHttpClient("back");

        var answer = await client.GetStringAsync("/", TestApp.Patience);

        Assert.StartsWith("hello", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_reaches_another_resource_by_the_url_it_was_given()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back").WithHttpHealthCheck("/health");
        builder.AddTestApp("front").WithReference(back.GetEndpoint("http")).WaitFor(back).WithHttpHealthCheck("/health");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);
        using var front = app.CreateHttpClient("front");
        using var direct = app.CreateHttpClient("back");

        var throughFront = await front.GetStringAsync("/call/BACK_HTTP?path=/pid", TestApp.Patience);

        Assert.Equal(await direct.GetStringAsync("/pid", TestApp.Patience), throughFront);
    }

    [Fact]
    public async Task Output_becomes_the_log_of_the_resource()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var job = builder.AddExecutable("job", "dotnet", TestApp.Directory, TestApp.Path, "exit", "0");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("job", KnownResourceStates.Finished, TestApp.Patience);
        var logs = (ResourceLoggerService)app.Services.GetService(typeof(ResourceLoggerService))!;

        await foreach (var lines in logs.WatchAsync(job.Resource).WithCancellation(TestApp.Patience))
        {
            if (lines.Any(l => l.Content.Contains("ending with 0", StringComparison.Ordinal) && !l.IsErrorMessage))
            {
                return;
            }
        }

        Assert.Fail("The line never came.");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public async Task The_exit_code_of_a_process_is_shown(int exitCode)
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddExecutable("job", "dotnet", TestApp.Directory, TestApp.Path, "exit", $"{exitCode}");
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);

        var ended = await app.ResourceNotifications.WaitForResourceAsync("job", e => KnownResourceStates.TerminalStates.Contains(e.Snapshot.State?.Text), TestApp.Patience);

        Assert.Equal(exitCode, ended.Snapshot.ExitCode);
        Assert.Equal(KnownResourceStates.Finished, ended.Snapshot.State?.Text);
    }

    [Fact]
    public async Task A_program_that_does_not_exist_is_a_resource_that_failed_to_start()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddExecutable("ghost", "no-such-program-anywhere", TestApp.Directory);
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);

        await app.ResourceNotifications.WaitForResourceAsync("ghost", KnownResourceStates.FailedToStart, TestApp.Patience);
    }
}
