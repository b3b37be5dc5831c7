using System.Collections.Concurrent;
using System.Net;
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
/// A published chart, run without a cluster: every pod in a network namespace of its own with its containers as processes, a stand-in for the API server, Services,
/// ConfigMaps, Secrets and tokens. The control plane and the sidecars are the real ones and do not know the difference.
/// </summary>
public sealed class ChartRehearsal : IAsyncDisposable
{
    private const string KubeconfigFile = "/run/aspiremesh-rehearsal/kubeconfig";

    private readonly RehearsalOptions _options;
    private readonly ManifestSet _manifests;
    private readonly ContainerPrograms _images;
    private readonly StandInApi _api;
    private readonly PodNetwork _network;
    private readonly LeaderForward _forward;
    private readonly string _folder;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<RunningPod> _pods = [];
    private readonly ConcurrentDictionary<string, string> _said = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ServiceDirectory _services = null!;
    private Task _running = Task.CompletedTask;
    private string? _runFile;

    private ChartRehearsal(RehearsalOptions options, ManifestSet manifests, ContainerPrograms images, StandInApi api, PodNetwork network, string folder)
    {
        (_options, _manifests, _images, _api, _network, _folder) = (options, manifests, images, api, network, folder);
        _forward = new LeaderForward(api.Objects, network);
        Differences = Rehearsal.Differences.Of(manifests, images);
    }

    /// <summary>What this rehearsal does not show.</summary>
    public IReadOnlyList<string> Differences { get; }

    /// <summary>Where the Services for the outside are reached: name and <c>host:port</c>.</summary>
    public IReadOnlyList<(string Service, string Address)> Outside => [.. _services.Outside()];

    /// <summary>The pods' names and addresses.</summary>
    public IReadOnlyList<(string Pod, string Ip)> Pods => [.. _pods.Select(p => (p.Plan.Name, p.Plan.Ip))];

    /// <summary>The control plane's admin API: address on this machine, and its token (a secret) once there is one.</summary>
    public (string Address, string? Token) Admin => (_forward.Address, AdminToken());

    /// <summary>Reads the folder and starts every pod.</summary>
    /// <exception cref="MeshValidationException">It cannot be rehearsed, or not on this machine; carries every reason.</exception>
    public static async Task<ChartRehearsal> StartAsync(RehearsalOptions options, CancellationToken cancellationToken)
    {
        var manifests = ManifestFolder.Read(options);
        var images = await ContainerPrograms.FindAsync(manifests, options);
        var network = await PodNetwork.CreateAsync();
        StandInApi? api = null;
        try
        {
            api = await StandInApi.StartAsync(options.Namespace, $"{network.Gateway}:0", cancellationToken);
            var folder = Directory.CreateTempSubdirectory("aspiremesh-rehearsal-").FullName;
            var rehearsal = new ChartRehearsal(options, manifests, images, api, network, folder);
            await rehearsal.StartPodsAsync();
            return rehearsal;
        }
        catch
        {
            if (api is not null) await api.DisposeAsync();
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Completes when every pod is ready, and leaves the run file by which <c>aspiremesh</c> finds the mesh.</summary>
    public async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        await _ready.Task.WaitAsync(cancellationToken);
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
        await _running;
        await _forward.DisposeAsync();
        await _api.DisposeAsync();
        await _network.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        _stop.Dispose();
    }

    private async Task StartPodsAsync()
    {
        foreach (var body in _manifests.Objects)
        {
            var kind = (string)body["kind"]!;
            if (kind is "ConfigMap" or "Secret") _api.Objects.Put($"{char.ToLowerInvariant(kind[0])}{kind[1..].ToLowerInvariant()}s", body.DeepClone().AsObject());
        }
        var plans = PodPlan.Of(_manifests, _network.PodAddress).Where(IsRunnable).ToList();
        _services = new ServiceDirectory(_manifests, plans, _network, _api.Objects);
        foreach (var (plan, number) in PodPlan.Of(_manifests, _network.PodAddress).Select((p, i) => (p, i)).Where(p => IsRunnable(p.p)))
        {
            await _network.AddAsync(plan.Name, number);
            await _services.ConnectAsync(plan.Name);
            var volumes = new PodVolumes(plan, _options.Namespace, Path.Combine(_folder, plan.Name, "volumes"), _api.Objects, _api.Tokens);
            _pods.Add(new RunningPod(plan, volumes, c => Start(plan, volumes, c), line => Say(plan.Name, line), _options.TimeProvider));
        }
        // The names of the pods' folders are nobody else's business: what is in them is secret.
        File.WriteAllText(Path.Combine(_folder, "kubeconfig"), Kubeconfig());
        _api.PodPorts = null;
        _services.Publish(_ => false);
        _running = Task.WhenAll(_pods.Select(p => p.RunAsync(Changed, _stop.Token)));
    }

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
        variables["KUBECONFIG"] = KubeconfigFile;
        var security = container.SecurityContext;
        (string From, string To, bool ReadOnly)[] mounts = [.. (container.VolumeMounts ?? []).Select(m => (Path.Combine(volumes.Path(m.Name), m.SubPath ?? ""), m.MountPath, m.ReadOnlyProperty == true))];
        return new ContainerStart(
            plan.Name,
            container.Name,
            _network.NamespaceOf(plan.Name),
            Path.Combine(_folder, plan.Name, container.Name),
            [.. program.Command.Select(word => ContainerEnvironment.Expand(word, variables))],
            container.WorkingDir ?? program.WorkingDirectory,
            variables,
            [.. mounts, .. Covered(program, mounts.Select(m => m.To)), (Path.Combine(_folder, "kubeconfig"), KubeconfigFile, true)],
            _services.Hosts(plan),
            program.User ?? security?.RunAsUser ?? plan.Spec.SecurityContext?.RunAsUser ?? (security?.RunAsNonRoot ?? plan.Spec.SecurityContext?.RunAsNonRoot) switch { true => 65532, _ => null },
            security?.ReadOnlyRootFilesystem == true,
            security?.Capabilities?.Add?.Contains("NET_ADMIN") == true);
    }

    // In a cluster a program is in the image; here it may lie where a volume is mounted (a checkout below /tmp), and is put back on top.
    private static IEnumerable<(string From, string To, bool ReadOnly)> Covered(ProgramCommand program, IEnumerable<string> mountPaths) => program.Command
        .Where(word => Path.IsPathRooted(word) && File.Exists(word)).Select(word => Path.GetDirectoryName(word)!).Append(program.WorkingDirectory).Distinct()
        .Where(folder => mountPaths.Any(path => folder.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal)))
        .Select(folder => (folder, folder, true));

    private void Say(string pod, string line)
    {
        _said[pod] = line;
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
