using System.Diagnostics;

namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>The shop's AppHost as a user starts it.</summary>
internal sealed class AppHostShop : RunningShop
{
#if ASPIRE_SIMULATOR
    private const string HostName = "simulator";
#else
    private const string HostName = "aspire";
#endif
    private readonly SidecarMode mode;

    private AppHostShop(ProcessStartInfo start, SidecarMode mode)
        : base(start) => this.mode = mode;

    public override IReadOnlyList<string> Announced => [$"ready: {HostName},", mode == SidecarMode.Shared ? "sidecars shared" : "sidecars per workload"];

    /// <summary>Starts it and waits for its ready line.</summary>
    public static async Task<AppHostShop> StartAsync(SidecarMode mode, params string[] arguments)
    {
        Machine.NeedNode();
        var start = new ProcessStartInfo("dotnet", [Repository.AppHost, "--DcpPublisher:RandomizePorts=true", "--Logging:LogLevel:Resources=Debug", $"--Mesh:SidecarHosting={mode}", .. arguments])
        {
            WorkingDirectory = Path.Combine(Repository.Root, "playground", "Shop.AppHost"),
        };
        start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
        // The dashboard asks neither for a login nor for keys, so that its telemetry API can be read.
        start.Environment["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] = "true";
        start.Environment["Parameters__postgres-password"] = PostgresPassword;
        // Both builds of the sidecar are exercised: CI names the one made ahead of time, the ordinary build is used elsewhere.
        if (mode == SidecarMode.PerWorkload && Environment.GetEnvironmentVariable("ASPIREMESH_PROXY") is null) start.Environment["ASPIREMESH_PROXY"] = Repository.Proxy;
        var shop = new AppHostShop(start, mode);
        await shop.ReadyAsync();
        return shop;
    }

    public override IReadOnlyList<(int Pid, string Command)> Processes() => ProcessTable.With(MarkVariable, Mark);

    /// <summary>A sidecar's telemetry carries its name, so its environment does.</summary>
    public override int[] Sidecars(string workload) =>
        [.. Processes().Select(p => p.Pid).Intersect(ProcessTable.With("OTEL_SERVICE_NAME", $"{workload}-sidecar").Select(p => p.Pid))];
}
