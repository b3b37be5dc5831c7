using System.Net.Sockets;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Rehearsal.Pods;
using AspireMesh.Rehearsal.Reading;
using AspireMesh.Rehearsal.Addressing;
using AspireMesh.Rehearsal.StandIn;
using k8s.Models;

namespace AspireMesh.Rehearsal;

/// <summary>
/// A published chart, run without a cluster: every pod in a network namespace of its own (on loopback where none can be made) with its containers as processes, a stand-in
/// for the API server, Services, ConfigMaps, Secrets and tokens. The control plane and the sidecars are the real ones and do not know the difference.
/// </summary>
public sealed class ChartRehearsal : IAsyncDisposable
{
    /// <summary>A user that owns nothing: the one of images that are made not to run as root.</summary>
    private const long AnyUser = 65532;

    private const string KubeconfigFile = "/run/aspiremesh-rehearsal/kubeconfig";

    private readonly RehearsalOptions _options;
    private readonly ManifestSet _manifests;
    private readonly ContainerPrograms _images;
    private readonly StandInApi _api;
    private readonly IPodSite _site;
    private readonly LeaderForward _forward;
    private readonly string _folder;
    private readonly Watchdog _watchdog;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<RunningPod> _pods = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ServiceDirectory _services = null!;
    private Task _running = Task.CompletedTask;
    private string? _runFile;

    private ChartRehearsal(RehearsalOptions options, ManifestSet manifests, ContainerPrograms images, StandInApi api, IPodSite site, string folder, Watchdog watchdog)
    {
        (_options, _manifests, _images, _api, _site, _folder, _watchdog) = (options, manifests, images, api, site, folder, watchdog);
        _forward = new LeaderForward(api.Objects, site);
        Differences = Rehearsal.Differences.Of(manifests, images, site.Differences);
    }

    /// <summary>What this rehearsal does not show.</summary>
    public IReadOnlyList<string> Differences { get; }

    /// <summary>What runs and how, as an AppHost says it of itself.</summary>
    public string ReadyLine => MeshLine.Of(_manifests, _site.Name, _pods.Count, Outside);

    /// <summary>Where gateways, and Services for the outside, are reached: name and <c>host:port</c>.</summary>
    public IReadOnlyList<(string Name, string Address)> Outside => [.. _services.Outside()];

    /// <summary>The objects that the stand-in API server holds.</summary>
    internal StoredObjects Objects => _api.Objects;

    /// <summary>The pods' names and addresses.</summary>
    public IReadOnlyList<(string Pod, string Ip)> Pods => [.. _pods.Select(p => (p.Plan.Name, p.Plan.Ip))];

    /// <summary>The control plane's admin API: address on this machine, and its token (a secret) once there is one.</summary>
    public (string Address, string? Token) Admin => (_forward.Address, AdminToken());

    /// <summary>Reads the folder and starts every pod.</summary>
    /// <exception cref="MeshValidationException">It cannot be rehearsed, or not on this machine; carries every reason.</exception>
    public static async Task<ChartRehearsal> StartAsync(RehearsalOptions options, CancellationToken cancellationToken)
    {
        var published = ManifestFolder.Read(options);
        var images = await ContainerPrograms.FindAsync(published, options);
        await Watchdog.RemoveLeftoversAsync(PodNetwork.Prefix);
        var folder = Directory.CreateTempSubdirectory($"{Watchdog.FolderPrefix}{Environment.ProcessId}-").FullName;
        // Others may pass through to what is theirs; what is secret lies in folders that are their owner's.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, (UnixFileMode)Convert.ToInt32("711", 8));
        var problem = options.OnLoopback ? "it was asked for" : await PodNetwork.ProblemAsync();
        var watchdog = Watchdog.Start($"{PodNetwork.Prefix}{Environment.ProcessId}", folder);
        IPodSite? site = null;
        StandInApi? api = null;
        ChartRehearsal? started = null;
        try
        {
            site = problem is null ? new NamespaceSite(await PodNetwork.CreateAsync()) : new LoopbackSite();
            if (problem is not null) options.Output($"on loopback: {problem}");
            var manifests = site.Adapt(published, (pod, volume) => VolumePath(folder, pod, volume));
            api = await StandInApi.StartAsync(options.Namespace, $"{site.Gateway}:0", cancellationToken);
            api.Rights = GrantedRights.Of(manifests);
            started = new ChartRehearsal(options, manifests, images, api, site, folder, watchdog);
            await started.StartPodsAsync();
            return started;
        }
        catch when (started is not null)
        {
            await started.DisposeAsync();
            throw;
        }
        catch
        {
            if (api is not null) await api.DisposeAsync();
            if (site is not null) await site.DisposeAsync();
            Directory.Delete(folder, recursive: true);
            await watchdog.DisposeAsync();
            throw;
        }
    }

    /// <summary>Completes when every pod is ready, and leaves the run file by which <c>aspiremesh</c> finds the mesh.</summary>
    public async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        // A pod that cannot be run at all ends the wait.
        await await Task.WhenAny(_ready.Task, _running).WaitAsync(cancellationToken);
        await ListeningAsync(cancellationToken);
        var directory = _options.RunDirectory ?? RunDirectory.Default;
        if (directory.Length == 0 || AdminToken() is not { } token) return;
        var name = _options.Release ?? Path.GetFileName(Path.GetFullPath(_options.Folder).TrimEnd('/'));
        _runFile = RunDirectory.Write(directory, new RunFile { AppHost = $"{name}-rehearsal", Pid = Environment.ProcessId, Admin = _forward.Address, Token = token });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_runFile is not null) File.Delete(_runFile);
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _forward.DisposeAsync();
        await _api.DisposeAsync();
        await _site.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        await _watchdog.DisposeAsync();
        _stop.Dispose();
    }

    private async Task StartPodsAsync()
    {
        foreach (var body in _manifests.Objects)
        {
            var kind = (string)body["kind"]!;
            if (kind is "ConfigMap" or "Secret") _api.Objects.Put($"{char.ToLowerInvariant(kind[0])}{kind[1..].ToLowerInvariant()}s", body.DeepClone().AsObject());
        }
        var all = PodPlan.Of(_manifests, _site.PodAddress);
        _services = new ServiceDirectory(_manifests, [.. all.Where(IsRunnable)], _site, _api.Objects);
        foreach (var (plan, number) in all.Select((p, i) => (p, i)).Where(p => IsRunnable(p.p)))
        {
            await _site.AddAsync(plan, number, _services);
            var volumes = new PodVolumes(plan, _options.Namespace, v => VolumePath(_folder, plan.Name, v), _api.Objects, _api.Tokens);
            _pods.Add(new RunningPod(plan, volumes, c => Start(plan, volumes, c), _site, line => Say(plan.Name, line), _options.TimeProvider));
        }
        File.WriteAllText(Path.Combine(_folder, "kubeconfig"), Kubeconfig());
        // What an operator's port-forward leads to.
        _api.PodPorts = (pod, port) => port == ClusterNames.AdminPort && pod == _forward.Leader ? _forward.EndPoint : null;
        _services.PublishServices();
        _services.Publish(_ => false);
        _running = Task.WhenAll(_pods.Select(p => p.RunAsync(Changed, _stop.Token)));
    }

    /// <summary>A chart may have no probes for its apps, and then a pod counts as ready too soon: returns once every container listens where it says that it does.</summary>
    private async Task ListeningAsync(CancellationToken cancellationToken)
    {
        foreach (var (pod, port) in _pods.SelectMany(p => p.Plan.Spec.Containers.SelectMany(c => c.Ports ?? []).Where(port => port.Protocol is null or "TCP").Select(port => (p.Plan, port.ContainerPort))))
        {
            while (!await ListensAsync(pod, port)) await Task.Delay(TimeSpan.FromMilliseconds(200), _options.TimeProvider, cancellationToken);
        }

        async Task<bool> ListensAsync(PodPlan pod, int port)
        {
            try
            {
                // At the pod's address or, as most apps behind a sidecar may, at its loopback alone.
                using var socket = await _site.ConnectAsync(pod.Name, port, cancellationToken);
                return true;
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                return false;
            }
        }
    }

    private static string VolumePath(string folder, string pod, string volume) => Path.Combine(folder, pod, "volumes", volume);

    private bool IsRunnable(PodPlan plan) => plan.Spec.Containers.Concat(plan.Spec.InitContainers ?? []).All(c => _images.Of(c) is not null);

    private void Changed()
    {
        _services.Publish(pod => _pods.Any(p => p.Plan.Name == pod && p.IsReady));
        if (_pods.TrueForAll(p => p.IsReady)) _ready.TrySetResult();
    }

    private ContainerStart? Start(PodPlan plan, PodVolumes volumes, V1Container container)
    {
        if (_images.Of(container) is not { } program) return null;
        var variables = ContainerEnvironment.Of(plan, container, _options.Namespace, _api.Objects, what => Say(plan.Name, $"{container.Name}: {what} is missing"));
        variables["KUBECONFIG"] = _site.Inside(Path.Combine(_folder, "kubeconfig"), KubeconfigFile);
        var security = container.SecurityContext;
        var folder = Directory.CreateDirectory(Path.Combine(_folder, plan.Name, container.Name)).FullName;
        (string From, string To, bool ReadOnly)[] mounts = [.. (container.VolumeMounts ?? []).Select(m => (Path.Combine(volumes.Path(m.Name), m.SubPath ?? ""), m.MountPath, m.ReadOnlyProperty == true))];
        return new ContainerStart(
            plan.Name,
            container.Name,
            folder,
            [.. program.Command.Select(word => ContainerEnvironment.Expand(word, variables))],
            container.WorkingDir ?? program.WorkingDirectory,
            variables,
            [.. mounts, .. Covered(program, mounts.Select(m => m.To)), (Path.Combine(_folder, "kubeconfig"), KubeconfigFile, true)],
            _services.Hosts(plan),
            program.User ?? (_site.KeepsUsers ? User(security, plan.Spec.SecurityContext) : null),
            security?.ReadOnlyRootFilesystem == true,
            security?.Capabilities?.Add?.Contains("NET_ADMIN") == true);
    }

    private static long? User(V1SecurityContext? own, V1PodSecurityContext? pod) => own?.RunAsUser ?? pod?.RunAsUser ?? ((own?.RunAsNonRoot ?? pod?.RunAsNonRoot) == true ? AnyUser : null);

    // In a cluster a program is in the image; here it may lie where a volume is mounted (a checkout below /tmp), and is put back on top.
    private static IEnumerable<(string From, string To, bool ReadOnly)> Covered(ProgramCommand program, IEnumerable<string> mountPaths) => program.Command
        .Where(word => Path.IsPathRooted(word) && File.Exists(word)).Select(word => Path.GetDirectoryName(word)!).Append(program.WorkingDirectory).Distinct()
        .Where(folder => mountPaths.Any(path => folder.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal)))
        .Select(folder => (folder, folder, true));

    private void Say(string pod, string line)
    {
        _options.Output($"{pod} {line}");
    }

    private string? AdminToken() => ContainerEnvironment.Data(_api.Objects, "secrets", ClusterNames.AdminSecret)?.GetValueOrDefault(ClusterNames.AdminKey);

    private string Kubeconfig() => $$"""
        apiVersion: v1
        kind: Config
        current-context: rehearsal
        clusters: [{ name: rehearsal, cluster: { server: "{{_api.Address}}" } }]
        contexts: [{ name: rehearsal, context: { cluster: rehearsal, user: rehearsal, namespace: "{{_options.Namespace}}" } }]
        users: [{ name: rehearsal, user: { token: rehearsal } }]
        """;
}
