using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Rehearsal.Addressing;
using AspireMesh.Rehearsal.Reading;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>All pods on this machine's loopback address, one of each workload, on ports that are free here: where namespaces cannot be made.</summary>
internal sealed class LoopbackSite : IPodSite
{
    private const string Loopback = "127.0.0.1";

    private IReadOnlyDictionary<string, IReadOnlyDictionary<int, int>> _ports = new Dictionary<string, IReadOnlyDictionary<int, int>>();

    public string Name => "loopback";

    public IReadOnlyList<string> Differences { get; } =
    [
        "all pods share this machine's loopback address: their ports are other ones (in variables, arguments, ConfigMaps and Secrets as well), and nothing keeps a program from reaching an app past its sidecar",
        "one pod runs of each workload, also where the chart asks for more",
        "transparent interception is left out: it takes a network of the pod's own",
        "containers see this machine's files and may write to them, and run as whoever rehearses",
    ];

    public bool KeepsUsers => false;

    public string Mark => $"{PodNetwork.Prefix}{Environment.ProcessId}";

    public string Gateway => Loopback;

    public ManifestSet Adapt(ManifestSet manifests, Func<string, string, string> volumes)
    {
        var plan = LoopbackPlan.Of(manifests, FreePorts);
        _ports = plan.Ports;
        return LoopbackManifests.Of(manifests, plan, volumes);
    }

    public string PodAddress(int pod) => Loopback;

    public string ServiceAddress(int service) => Loopback;

    public Task AddAsync(PodPlan pod, int number, ServiceDirectory services) => Task.CompletedTask;

    public string Inside(string outside, string inside) => outside;

    public ContainerProcess Start(ContainerStart start, Action<string> output)
    {
        // The machine's /tmp is everybody's; what a program leaves there would outlive it.
        var own = start with { Environment = new Dictionary<string, string>(start.Environment) { ["TMPDIR"] = start.Folder, ["HOME"] = start.Folder } };
        return ContainerProcess.Start(own, ["sh"], Script(own), output);
    }

    public async Task<Socket> ConnectAsync(string pod, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _ports.GetValueOrDefault(PodPlan.WorkloadOf(pod))?.GetValueOrDefault(port, port) ?? port), cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string Script(ContainerStart start)
    {
        var script = new StringBuilder("set -e\n");
        var become = "";
        if (start.User is { } uid and not 0 && Environment.IsPrivilegedProcess)
        {
            // PostgreSQL, for one, does not run as root.
            script.Append(null, $"chown {uid} {ContainerProcess.Quote(start.Folder)}\n");
            become = $"setpriv --reuid={uid} --clear-groups ";
        }
        script.Append(null, $"cd {ContainerProcess.Quote(start.WorkingDirectory)}\nexec {become}{string.Join(' ', start.Command.Select(ContainerProcess.Quote))}\n");
        return script.ToString();
    }

    // Held until all are found, so that none is given out twice.
    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            foreach (var listener in listeners) listener.Start();
            return [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners) listener.Dispose();
        }
    }
}
