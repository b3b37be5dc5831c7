using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Rehearsal.Addressing;
using AspireMesh.Rehearsal.Reading;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>
/// Every pod in a network namespace; every container in a mount namespace in which this machine's files are seen through a layer that takes what it writes, its
/// volumes where it mounts them, as the user it asks for and without privileges.
/// </summary>
internal sealed class NamespaceSite(PodNetwork network) : IPodSite
{
    public string Name => "network namespaces";

    public IReadOnlyList<string> Differences => [];

    public bool KeepsUsers => true;

    public string Mark => network.Name;

    public string Gateway => network.Gateway;

    public ManifestSet Adapt(ManifestSet manifests, Func<string, string, string> volumes) => manifests;

    public string PodAddress(int pod) => network.PodAddress(pod);

    public string ServiceAddress(int service) => network.ServiceAddress(service);

    public async Task AddAsync(PodPlan pod, int number, ServiceDirectory services)
    {
        await network.AddAsync(pod.Name, number);
        foreach (var (address, port, targets) in services.Routes()) await network.AddServiceAsync(pod.Name, address, port, targets);
    }

    public string Inside(string outside, string inside) => inside;

    public ContainerProcess Start(ContainerStart start, Action<string> output) =>
        ContainerProcess.Start(start, ["ip", "netns", "exec", network.NamespaceOf(start.Pod), "unshare", "--mount", "--propagation", "private", "sh"], Script(start), output);

    public Task<Socket> ConnectAsync(string pod, int port, CancellationToken cancellationToken) =>
        NamespaceSocket.ConnectAsync(network.NamespaceOf(pod), new IPEndPoint(IPAddress.Loopback, port), cancellationToken);

    public ValueTask DisposeAsync() => network.DisposeAsync();

    // Every step replaces the one before (exec), so that the process that is started is the container, and a signal reaches it.
    private static string Script(ContainerStart start)
    {
        var layer = Path.Combine(start.Folder, "layer");
        var root = Path.Combine(start.Folder, "root");
        var script = new StringBuilder("set -e\n");
        script.AppendLine(CultureInfo.InvariantCulture, $"mkdir -p {Quote(layer)} {Quote(root)}");
        // Memory below it: a layer cannot lie on the file system that it covers on every kernel.
        script.AppendLine(CultureInfo.InvariantCulture, $"mount -t tmpfs rehearsal {Quote(layer)} && mkdir {Quote(layer)}/upper {Quote(layer)}/work && chmod 755 {Quote(layer)}/upper");
        script.AppendLine(CultureInfo.InvariantCulture, $"mount -t overlay overlay -o lowerdir=/,upperdir={Quote(layer)}/upper,workdir={Quote(layer)}/work {Quote(root)}");
        script.AppendLine(CultureInfo.InvariantCulture, $"mount --rbind /proc {Quote(root)}/proc && mount --rbind /dev {Quote(root)}/dev");
        script.AppendLine(CultureInfo.InvariantCulture, $"cp {Quote(Path.Combine(start.Folder, "hosts"))} {Quote(root)}/etc/hosts");
        foreach (var (from, to, readOnly) in start.Mounts)
        {
            // Made and resolved inside: /var/run is a link to /run on most machines, and seen from outside it would lead out of the container.
            var make = File.Exists(from) ? "mkdir -p \"${0%/*}\" && touch \"$0\"" : "mkdir -p \"$0\"";
            script.AppendLine(CultureInfo.InvariantCulture, $"at={Quote(root)}$(chroot {Quote(root)} sh -c '{make} && readlink -f \"$0\"' {Quote(to)})");
            script.AppendLine(CultureInfo.InvariantCulture, $"mount --bind {Quote(from)} \"$at\"");
            if (readOnly) script.AppendLine("mount -o remount,bind,ro \"$at\"");
        }
        if (start.ReadOnly) script.AppendLine(CultureInfo.InvariantCulture, $"mount -o remount,ro {Quote(root)}");
        File.WriteAllText(Path.Combine(start.Folder, "hosts"), start.Hosts);
        var user = start.User is { } uid and not 0 ? $"--reuid={uid} --regid=0 --clear-groups " : "";
        var rights = start.Capabilities ? "" : "--no-new-privs --inh-caps=-all --bounding-set=-all ";
        var command = string.Join(' ', start.Command.Select(Quote));
        script.AppendLine(CultureInfo.InvariantCulture, $"exec chroot {Quote(root)} setpriv {user}{rights}sh -c 'cd \"$0\" && exec \"$@\"' {Quote(start.WorkingDirectory)} {command}");
        return script.ToString();
    }

    private static string Quote(string text) => ContainerProcess.Quote(text);
}
