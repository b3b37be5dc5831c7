namespace AspireMesh.Simulator.Tests.SimulatorOnly;

public class ProcessEndTests
{
    [Fact]
    public async Task A_killed_AppHost_leaves_nothing_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var appHost = new AppHostProcess("--DcpPublisher:RandomizePorts=true");
        var children = await appHost.ChildrenAsync();

        appHost.Kill();

        await appHost.WaitForExitAsync();
        await AppHostProcess.WaitUntilGoneAsync(children);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task An_AppHost_asked_to_end_ends_everything_first(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var appHost = new AppHostProcess("--DcpPublisher:RandomizePorts=true");
        var children = await appHost.ChildrenAsync();

        appHost.Signal(signal);
        await appHost.WaitForExitAsync();

        Assert.Equal(0, appHost.ExitCode);
        await AppHostProcess.WaitUntilGoneAsync(children);
    }
}
