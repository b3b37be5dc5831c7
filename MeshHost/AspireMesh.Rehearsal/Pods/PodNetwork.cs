using System.Globalization;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>
/// A network namespace per pod, all on one bridge of this machine, so that every pod has an address and a loopback of its own, as in a cluster. Service addresses
/// lead to their pods by rules in each pod's namespace. Everything is named after this process and goes with it.
/// </summary>
internal sealed class PodNetwork : IAsyncDisposable
{
    /// <summary>What names of bridges and namespaces begin with; the process id follows.</summary>
    public const string Prefix = "amr";

    private const int FirstRange = 200;
    private const int Ranges = 50;

    private readonly string _bridge = $"{Prefix}{Environment.ProcessId}";
    private readonly List<string> _namespaces = [];
    private readonly int _second;

    private PodNetwork(int second) => _second = second;

    /// <summary>The bridge's name, which those of the namespaces begin with.</summary>
    public string Name => _bridge;

    /// <summary>The machine's own address on the bridge.</summary>
    public string Gateway => Address(1);

    /// <summary>The address of a pod by its number, from 0.</summary>
    public string PodAddress(int pod) => Address(pod + 10);

    /// <summary>The address of a Service by its number, from 0: in a range that no pod has.</summary>
    public string ServiceAddress(int service) => string.Create(CultureInfo.InvariantCulture, $"10.{_second}.8.{service + 1}");

    /// <summary>The name of a pod's namespace.</summary>
    public string NamespaceOf(string pod) => $"{_bridge}-{pod}";

    /// <summary>Why this machine cannot do it; null when it can.</summary>
    public static async Task<string?> ProblemAsync()
    {
        if (!OperatingSystem.IsLinux()) return "network namespaces are a thing of Linux";
        if (Environment.UserName != "root" && !Environment.IsPrivilegedProcess) return "making network namespaces needs root";
        foreach (var program in new[] { "ip", "iptables", "unshare", "setpriv", "chroot" })
        {
            var (code, _) = await Shell.TryAsync(program, program == "ip" ? "-V" : "--version");
            if (code == 127) return $"the program '{program}' is missing";
        }
        var probe = $"{Prefix}{Environment.ProcessId}-probe";
        var (made, text) = await Shell.TryAsync("ip", "netns", "add", probe);
        if (made != 0) return $"a network namespace cannot be made ({text.Trim()})";
        await Shell.RunAsync("ip", "netns", "del", probe);
        return null;
    }

    /// <summary>Makes the bridge.</summary>
    public static async Task<PodNetwork> CreateAsync()
    {
        var network = new PodNetwork(await FreeRangeAsync());
        await Shell.RunAsync("ip", "link", "add", network._bridge, "type", "bridge");
        await Shell.RunAsync("ip", "addr", "add", $"{network.Gateway}/21", "dev", network._bridge);
        await Shell.RunAsync("ip", "link", "set", network._bridge, "up");
        return network;
    }

    /// <summary>Makes a pod's namespace with its address.</summary>
    public async Task AddAsync(string pod, int number)
    {
        var ns = NamespaceOf(pod);
        var (outside, inside) = ($"{_bridge}o{number}", $"{_bridge}i{number}");
        await Shell.RunAsync("ip", "netns", "add", ns);
        _namespaces.Add(ns);
        await Shell.RunAsync("ip", "link", "add", outside, "type", "veth", "peer", "name", inside);
        await Shell.RunAsync("ip", "link", "set", outside, "master", _bridge, "up");
        await Shell.RunAsync("ip", "link", "set", inside, "netns", ns);
        await Shell.RunAsync("ip", "-n", ns, "addr", "add", $"{PodAddress(number)}/21", "dev", inside);
        await Shell.RunAsync("ip", "-n", ns, "link", "set", inside, "up");
        await Shell.RunAsync("ip", "-n", ns, "link", "set", "lo", "up");
        await Shell.RunAsync("ip", "-n", ns, "route", "add", "default", "via", Gateway);
    }

    /// <summary>Makes a Service's address lead to its pods, seen from one pod.</summary>
    public async Task AddServiceAsync(string pod, string address, int port, IReadOnlyList<(string Ip, int Port)> targets)
    {
        for (var i = 0; i < targets.Count; i++)
        {
            var chance = string.Create(CultureInfo.InvariantCulture, $"{1.0 / (targets.Count - i):0.####}");
            string[] share = i == targets.Count - 1 ? [] : ["-m", "statistic", "--mode", "random", "--probability", chance];
            string[] rule = ["netns", "exec", NamespaceOf(pod), "iptables", "-w", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", address, "--dport", $"{port}", .. share, "-j", "DNAT", "--to-destination", $"{targets[i].Ip}:{targets[i].Port}"];
            await Shell.RunAsync("ip", rule);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A namespace takes its end of the pair with it, and that the other.
        foreach (var ns in _namespaces) await Shell.TryAsync("ip", "netns", "del", ns);
        await Shell.TryAsync("ip", "link", "del", _bridge);
    }

    // Two rehearsals at once, or a machine whose own network is there already: the first range that no route leads to.
    private static async Task<int> FreeRangeAsync()
    {
        var (_, routes) = await Shell.TryAsync("ip", "-4", "-o", "route", "show", "table", "all");
        var begin = Environment.ProcessId % Ranges;
        return Enumerable.Range(0, Ranges).Select(i => FirstRange + (begin + i) % Ranges).FirstOrDefault(second => !routes.Contains($" 10.{second}.", StringComparison.Ordinal) && !routes.Contains($"\n10.{second}.", StringComparison.Ordinal), FirstRange + begin);
    }

    private string Address(int host) => string.Create(CultureInfo.InvariantCulture, $"10.{_second}.{host / 256}.{host % 256}");
}
