using System.Collections.Concurrent;
using Aspire.Hosting.Pipelines;

namespace AspireMesh.Simulator.Tests;

public class PublishTests
{
    [Fact]
    public async Task Steps_run_after_BeforeStart_in_the_order_they_need_and_nothing_starts()
    {
        var output = Directory.CreateTempSubdirectory().FullName;
        var seen = new ConcurrentQueue<string>();
        await using var builder = DistributedApplicationTestingBuilder.Create("--operation", "publish", "--step", "publish", "--output-path", output);
        builder.AddTestApp("back").OnBeforeResourceStarted((_, _, _) => Note("started"));
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) => Note("BeforeStart"));
        builder.Pipeline.AddStep("last", _ => Note("last"), dependsOn: "middle", requiredBy: WellKnownPipelineSteps.Publish);
        builder.Pipeline.AddStep("middle", async context =>
        {
            await Note("middle");
            var directory = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
            Directory.CreateDirectory(directory);
            await File.WriteAllTextAsync(Path.Combine(directory, "written"), "by a step", context.CancellationToken);
        });
        builder.Pipeline.AddStep("first", _ => Note("first"), requiredBy: "middle");
        builder.Pipeline.AddStep("other", _ => Note("other"));
        Assert.True(builder.ExecutionContext.IsPublishMode);
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.RunAsync(TestApp.Patience);

        Assert.Equal(["BeforeStart", "first", "middle", "last"], seen);
        Assert.Equal("by a step", await File.ReadAllTextAsync(Path.Combine(output, "written"), TestApp.Patience));
        Directory.Delete(output, recursive: true);

        Task Note(string what)
        {
            seen.Enqueue(what);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task In_publish_mode_values_are_manifest_expressions()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create("--operation", "publish", "--step", "publish");
        var back = builder.AddTestApp("back");
        var secret = builder.AddParameter("secret", secret: true);
        var text = ReferenceExpression.Create($"{back.GetEndpoint("http")}/path?{back.GetEndpoint("http").Property(EndpointProperty.Port)}&{secret}");

        Assert.Equal("{back.bindings.http.url}/path?{back.bindings.http.port}&{secret.value}", text.ValueExpression);
    }
}
