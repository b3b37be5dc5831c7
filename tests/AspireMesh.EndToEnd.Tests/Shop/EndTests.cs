using AspireMesh.EndToEnd.Tests.Running;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>Nothing of a run outlives it.</summary>
[Collection(OwnShopCollection.Name)]
public sealed class EndTests
{
    private const int InterruptBit = 1 << (2 - 1);

    [Theory]
    [InlineData(SidecarMode.Shared)]
    [InlineData(SidecarMode.PerWorkload)]
    public async Task A_killed_AppHost_leaves_no_process_behind(SidecarMode mode)
    {
        Machine.NeedLinux();
        await using var shop = await AppHostShop.StartAsync(mode);
        Assert.True(shop.Processes().Count > 5, $"only {shop.Processes().Count} processes were found");
        Signals.SendKill(shop.Pid);
        await shop.Exited;
        await Eventually.GetAsync(() => Task.FromResult(string.Join(Environment.NewLine, shop.Processes())), left => left.Length == 0, "the end of every process of a killed AppHost");
    }

    [Theory]
    [InlineData(SidecarMode.Rehearsed)]
    [InlineData(SidecarMode.RehearsedOnLoopback)]
    public async Task A_killed_rehearsal_leaves_no_process_namespace_or_file_behind(SidecarMode mode)
    {
        await using var shop = await RehearsedShop.StartAsync(mode);
        var processes = shop.Processes().Select(p => p.Pid).ToArray();
        Assert.True(processes.Length > 10, $"only {processes.Length} processes were found");
        Assert.NotEmpty(RehearsedShop.Traces(shop.Pid));
        Signals.SendKill(shop.Pid);
        await shop.Exited;
        await Eventually.GetAsync(() => Task.FromResult<string[]>([.. RehearsedShop.Traces(shop.Pid), .. processes.Where(ProcessTable.Runs).Select(p => $"process {p}")]), left => left.Length == 0, "the end of everything of a killed rehearsal", show: left => string.Join(", ", left));
    }

    [Theory]
    [InlineData(SidecarMode.Shared)]
    [InlineData(SidecarMode.PerWorkload)]
    public async Task Ctrl_C_ends_everything_and_takes_the_run_file_away(SidecarMode mode)
    {
        Machine.NeedLinux();
        await using var shop = await AppHostShop.StartAsync(mode);
        Assert.Single(shop.RunFiles());
        // A shell that starts a command in the background has it ignore SIGINT, and children inherit that; SIGTERM takes the same way out.
        if (InterruptIsIgnored(shop.Pid)) Signals.SendTerminate(shop.Pid);
        else Signals.SendInterrupt(shop.Pid);
        await shop.Exited.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, shop.ExitCode);
        Assert.Empty(shop.RunFiles());
#if ASPIRE_SIMULATOR
        Assert.Empty(shop.Processes());
#else
        // Aspire's orchestrator ends what it started after the AppHost has gone.
        await Eventually.GetAsync(() => Task.FromResult(string.Join(Environment.NewLine, shop.Processes())), left => left.Length == 0, "the end of every process that the orchestrator started");
#endif
    }

    private static bool InterruptIsIgnored(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("SigIgn:", StringComparison.Ordinal));
        return (Convert.ToUInt64(line.Split('\t')[1], 16) & InterruptBit) != 0;
    }
}
