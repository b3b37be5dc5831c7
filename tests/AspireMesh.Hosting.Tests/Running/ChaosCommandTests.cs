using AspireMesh.Hosting.Lifecycle;

namespace AspireMesh.Hosting.Tests.Running;

public class ChaosCommandTests
{
    [Fact]
    public async Task Faults_are_put_in_with_values_that_are_asked_for_and_all_taken_out_again()
    {
        await using var mesh = new MeshApp();
        mesh.Mesh.WithChaos();
        var back = mesh.Service("back");
        var front = mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "mesh");
        var commands = mesh.App.ResourceCommands;
        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));

        var failed = await commands.ExecuteCommandAsync("back", ChaosCommands.FailName, Values(("status", "418"), ("caller", "front")), mesh.Limit);
        Assert.True(failed.Success, failed.Message);
        Assert.Contains("abort on front -> back, 100 %, 300 s", failed.Message);
        Assert.StartsWith("418 ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));

        var cleared = await commands.ExecuteCommandAsync("back", ChaosCommands.ClearName, mesh.Limit);
        Assert.True(cleared.Success, cleared.Message);
        Assert.StartsWith("200 back ", await mesh.GetAsync(front, "/call/BACK_HTTP/"));

        Assert.True((await commands.ExecuteCommandAsync("back", ChaosCommands.CutName, mesh.Limit)).Success);
        Assert.True((await commands.ExecuteCommandAsync("back", ChaosCommands.DelayName, Values(("milliseconds", "1")), mesh.Limit)).Success);
        Assert.True((await commands.ExecuteCommandAsync("back", ChaosCommands.ClearName, mesh.Limit)).Success);
    }

    [Fact]
    public async Task Values_that_cannot_be_are_refused_all_at_once()
    {
        await using var mesh = new MeshApp();
        mesh.Mesh.WithChaos();
        var back = mesh.Service("back");
        mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "mesh");

        var result = await mesh.App.ResourceCommands.ExecuteCommandAsync("back", ChaosCommands.DelayName, Values(("milliseconds", "soon"), ("percent", "1e999"), ("caller", "nobody")), mesh.Limit);

        Assert.False(result.Success);
#if ASPIRE_SIMULATOR
        foreach (var part in new[] { "milliseconds is 'soon'", "percent is '1e999'", "'nobody' has no reference to 'back'" }) Assert.Contains(part, result.Message);
#else
        // Aspire looks at numbers and choices by itself before it calls a command, and marks each field that cannot be. What it lets through is looked at here.
        Assert.Equal("Command argument validation failed.", result.Message);
        result = await mesh.App.ResourceCommands.ExecuteCommandAsync("back", ChaosCommands.DelayName, Values(("percent", "1e999")), mesh.Limit);
        Assert.False(result.Success);
        Assert.Contains("percent is '1e999'", result.Message);
#endif
    }

    [Fact]
    public async Task Without_the_word_of_the_apphost_there_are_no_such_commands()
    {
        await using var mesh = new MeshApp();
        var back = mesh.Service("back");
        mesh.Service("front").WithReference(back);
        await mesh.StartAsync("front", "back", "mesh");

        Assert.DoesNotContain(back.Resource.Annotations.OfType<ResourceCommandAnnotation>(), c => c.Name.StartsWith("mesh-fault", StringComparison.Ordinal));
        Assert.False((await mesh.App.ResourceCommands.ExecuteCommandAsync("back", ChaosCommands.FailName, mesh.Limit)).Success);
    }

    private static InteractionInputCollection Values(params (string Name, string Value)[] values) =>
        new([.. values.Select(v => new InteractionInput { Name = v.Name, InputType = InputType.Text, Value = v.Value })]);
}
