using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using AspireMesh.TestKit;

namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>The shop's chart, published and then rehearsed: the programs that a cluster would run, on this machine.</summary>
internal sealed class RehearsedShop : RunningShop
{
    private readonly SidecarMode mode;
    private readonly string chart;

    private RehearsedShop(ProcessStartInfo start, SidecarMode mode, string chart)
        : base(start) => (this.mode, this.chart) = (mode, chart);

    public override IReadOnlyList<string> Announced => [$"ready: rehearsal, {(mode == SidecarMode.Rehearsed ? "network namespaces" : "loopback")},", "sidecars per workload"];

    /// <summary>Publishes the shop, rehearses its chart and waits until it is ready.</summary>
    public static async Task<RehearsedShop> StartAsync(SidecarMode mode)
    {
        Machine.NeedLinux();
        Machine.NeedNode();
        if (mode == SidecarMode.Rehearsed)
        {
            Machine.NeedRoot("pods in network namespaces need root");
            Machine.NeedProgram("iptables", "iptables");
        }
        var chart = Directory.CreateTempSubdirectory("aspiremesh-chart-").FullName;
        var published = await ProgramRun.RunAsync("dotnet", [Repository.AppHost, "--operation", "publish", "--step", "publish", "--output-path", chart]);
        Assert.True(published.ExitCode == 0, published.ToString());
        var start = new ProcessStartInfo("dotnet",
        [
            Repository.Tool, "rehearse", chart, "--proxy", Environment.GetEnvironmentVariable("ASPIREMESH_PROXY") ?? Repository.Proxy,
            "--set", $"secrets.postgres.postgres_password={PostgresPassword}", "--set", $"secrets.inventory.postgres_password={PostgresPassword}", .. mode == SidecarMode.RehearsedOnLoopback ? ["--loopback"] : Array.Empty<string>(),
        ]);
        var shop = new RehearsedShop(start, mode, chart);
        await shop.ReadyAsync();
        return shop;
    }

    /// <summary>How the stand-in API server is reached.</summary>
    public string Kubeconfig => Path.Combine(Directory.GetDirectories(Path.GetTempPath(), $"aspiremesh-rehearsal-{Pid}-*").Single(), "kubeconfig");

    /// <summary>The mesh's own CA, as a thief of its Secret would have it: the stand-in API server gives it to whoever has the pods' kubeconfig.</summary>
    public async Task<TestCertificates> AuthorityAsync()
    {
        var server = (await File.ReadAllLinesAsync(Kubeconfig)).Single(l => l.Contains("server:", StringComparison.Ordinal)).Split('"')[1];
        using var http = new HttpClient();
        var secret = await http.GetFromJsonAsync<JsonElement>($"{server}/api/v1/namespaces/default/secrets/aspiremesh-ca");
        var stored = JsonDocument.Parse(Convert.FromBase64String(secret.GetProperty("data").GetProperty("authority.json").GetString()!)).RootElement.GetProperty("roots")[0];
        var root = X509Certificate2.CreateFromPem(stored.GetProperty("certificate").GetString(), stored.GetProperty("key").GetString());
        return new TestCertificates((await StatusAsync()).TrustDomain, root);
    }

    /// <summary>What of a rehearsal there is on this machine: namespaces, links and folders, by name.</summary>
    public static string[] Traces(int pid) =>
    [
        .. Names("/run/netns").Where(n => n.StartsWith($"amr{pid}-", StringComparison.Ordinal)),
        .. Names("/sys/class/net").Where(n => n.StartsWith($"amr{pid}", StringComparison.Ordinal)),
        .. Names(Path.GetTempPath()).Where(n => n.StartsWith($"aspiremesh-rehearsal-{pid}-", StringComparison.Ordinal)),
    ];

    /// <summary>A pod's containers have the pod's environment and no other: they are known by the folder that the rehearsal put them together in.</summary>
    public override IReadOnlyList<(int Pid, string Command)> Processes() =>
        [.. ProcessTable.With(MarkVariable, Mark), .. ProcessTable.With("KUBECONFIG", folder => folder.Contains($"aspiremesh-rehearsal", StringComparison.Ordinal)).Where(p => IsOurs(p.Pid))];

    public override int[] Sidecars(string workload) =>
        [.. Processes().Select(p => p.Pid).Intersect(ProcessTable.With("ASPIREMESH_INSTANCE", pod => pod.StartsWith($"{workload}-deployment-", StringComparison.Ordinal)).Select(p => p.Pid))];

    public override string[] Beside(string workload) => mode == SidecarMode.Rehearsed ? ["ip", "netns", "exec", $"amr{Pid}-{workload}-deployment-0"] : [];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(chart, recursive: true);
    }

    private static IEnumerable<string> Names(string folder) => Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder).Select(e => Path.GetFileName(e)) : [];

    private bool IsOurs(int pid) => ProcessTable.IsBelow(pid, Pid);
}
