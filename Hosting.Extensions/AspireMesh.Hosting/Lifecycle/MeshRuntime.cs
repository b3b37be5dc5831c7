using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AspireMesh.Hosting.Planning;
using AspireMesh.Host;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>The mesh of one running AppHost: its plan, its control plane and its sidecars, from just before the start to the end of the application.</summary>
internal sealed partial class MeshRuntime(IServiceProvider services, TimeProvider time) : IAsyncDisposable
{
    // What stops with the application is not started again, nor reported as lost.
    private readonly CancellationTokenSource _stopping = CancellationTokenSource.CreateLinkedTokenSource(services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _ready = new();
    private readonly ILogger _logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("AspireMesh");
    private readonly PrivateFolder _folder = new();
    private IMeshControl? _control;
    private MeshPlan? _plan;
    private SharedSidecars? _shared;
    private UpgradeWishes? _upgrades;
    private AppStates? _apps;
    private Task _background = Task.CompletedTask;
    private bool _disposed;

    /// <summary>All sidecars; empty before the application is planned.</summary>
    public IEnumerable<SidecarPlan> Sidecars => _plan?.Workloads.SelectMany(w => w.Sidecars) ?? [];

    /// <summary>The plan; null before the application is planned.</summary>
    public MeshPlan? Plan => _plan;

    /// <summary>What the control plane knows.</summary>
    public MeshStatus Status => _control?.Status ?? new MeshStatus { TrustDomain = "", Mtls = "" };

    /// <summary>Ends when the application does.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Plans the mesh and, in run mode, starts the control plane and adds the sidecars.</summary>
    /// <exception cref="MeshValidationException">Something cannot work; carries every reason.</exception>
    public async Task BeforeStartAsync(DistributedApplicationModel model, DistributedApplicationExecutionContext context, CancellationToken cancellationToken)
    {
        if (model.Resources.OfType<MeshResource>().FirstOrDefault() is not { } mesh) return;
        var configuration = services.GetRequiredService<IConfiguration>();
        var plan = await MeshPlanner.PlanAsync(Request(mesh, model, context, configuration), cancellationToken);
        mesh.Annotations.Add(new MeshPlanAnnotation(plan));
        foreach (var warning in plan.Warnings) LogWarning(warning.ToString());
        if (context.IsPublishMode)
        {
            if (plan.Errors.Length > 0) throw new MeshValidationException(plan.Errors);
            if (mesh.TryGetLastAnnotation<MeshPublishedAnnotation>(out var published)) PublishedPlan.Apply(plan, published.ThroughSidecars);
            else LogWarning(MeshDiagnostics.PublishNotice.Found("What is published has no mesh: nothing is encrypted or checked there. Reference AspireMesh.Hosting.Kubernetes and write .PublishMeshTo(MeshBackend.AspireMesh) on the mesh.").ToString());
            return;
        }

        _plan = plan;
        var file = mesh.Options.PolicyFile is { } path ? new PolicyFile(Path.GetFullPath(path, configuration["AppHost:Directory"] ?? AppContext.BaseDirectory), _logger, time) : null;
        _control = await StartControlPlaneAsync(mesh, plan, file, cancellationToken);
        services.GetRequiredService<MeshAccess>().Set(_control.Run);
        if (_control is ProcessControl own) model.Resources.Add(own.Resource);
        var hosting = ChooseHosting(mesh.Options, out var proxy);
        new PlanApplier(plan, model.Resources, configuration, services.GetRequiredService<IHostEnvironment>()).Apply(proxy, WriteBootstrapAsync);
        var upgrades = proxy is null ? null : new SidecarUpgrades(proxy, WriteBootstrap, _control, time, _logger, Stopping);
        _upgrades = new UpgradeWishes(services, upgrades, model.Resources.OfType<IMeshSidecarResource>().ToDictionary(s => s.Instance), _logger);
        foreach (var command in SplitCommands.Of(plan.Model)) mesh.Annotations.Add(command);
        ChaosCommands.Add(plan.Model, model.Resources);
        Follow(mesh, model, plan, _control, hosting, file);
    }

    /// <summary>Starts a sidecar that lives in this process.</summary>
    public Task InitializeAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is MeshSidecarResource sidecar) _shared?.Start(sidecar);
        return Task.CompletedTask;
    }

    /// <summary>Tells the control plane where the apps of a resource listen.</summary>
    public void EndpointsAllocated(IResource resource) => _apps?.EndpointsAllocated(resource);

    /// <summary>Gets a sidecar a new SVID.</summary>
    public Task RenewAsync(string instance, CancellationToken cancellationToken) => _control?.RenewAsync(instance, cancellationToken) ?? Task.CompletedTask;

    /// <summary>Replaces a sidecar's process without losing a request, where this system can.</summary>
    public Task<UpgradeOutcome> UpgradeAsync(string instance, CancellationToken cancellationToken) =>
        _upgrades?.UpgradeAsync(instance, cancellationToken) ?? Task.FromResult(new UpgradeOutcome { Problem = "the application has not started" });

    /// <summary>Moves the weight of one leg of a traffic split.</summary>
    public Task MoveSplitAsync(SplitChange change, CancellationToken cancellationToken) => _control?.MoveSplitAsync(change, cancellationToken) ?? Task.CompletedTask;

    /// <summary>Returns once a sidecar is ready, or when <paramref name="patience"/> is over.</summary>
    public async Task WaitForSidecarAsync(string instance, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (ProblemOf(instance) is null) return;
        try
        {
            await Ready(instance).Task.WaitAsync(patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            LogSlowSidecar(instance, ProblemOf(instance) ?? "");
        }
    }

    /// <summary>Why a sidecar cannot carry traffic; null when it can.</summary>
    public string? ProblemOf(string instance) => StatusOf(instance) switch
    {
        null => "the control plane does not know it",
        { SvidExpires: null } => "has no SVID yet",
        { Snapshot: 0 } => "has not acknowledged a snapshot yet",
        _ => null,
    };

    /// <summary>What the control plane knows about a sidecar.</summary>
    public WorkloadStatus? StatusOf(string instance) => _control?.Status.Workloads.FirstOrDefault(w => w.Name == instance);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _stopping.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_shared is not null) await _shared.StopAsync();
        if (_control is not null) await _control.DisposeAsync();
        _folder.Dispose();
    }

    private PlanRequest Request(MeshResource mesh, DistributedApplicationModel model, DistributedApplicationExecutionContext context, IConfiguration configuration)
    {
        var name = AppHostName(configuration);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ControlPlaneSettings.Place(configuration))))[..8];
        var plain = string.Concat(name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '-'));
        return new PlanRequest
        {
            Mesh = mesh,
            AppHost = name,
            // What is published is the same from every machine.
            DefaultTrustDomain = context.IsPublishMode ? $"{plain}.mesh" : $"{plain}-{hash}.mesh",
            Resources = [.. model.Resources],
            Context = context,
            SidecarsOf = HostDifferences.SidecarsOf,
            NextPort = context.IsRunMode ? FreePorts.Next : null,
            IsPortFree = FreePorts.IsFree,
            BridgeGateway = context.IsRunMode ? new ContainerBridge(configuration).FindGatewayAsync : null,
            InheritedProxy = EgressVariables.Inherited(Environment.GetEnvironmentVariable),
            GatewayCertificate = context.IsRunMode ? () => GatewayCertificates.Find(time) : null,
            RandomizePorts = configuration.GetValue("DcpPublisher:RandomizePorts", false),
        };
    }

    /// <summary>The AppHost's name as tools show it: the project's, without the customary ending.</summary>
    private static string AppHostName(IConfiguration configuration)
    {
        var name = Path.GetFileName(configuration["AppHost:Path"]) is { Length: > 0 } file ? file : System.Reflection.Assembly.GetEntryAssembly()?.GetName().Name ?? "apphost";
        return name.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase) ? name[..^7] : name;
    }

    private async Task<string> WriteBootstrapAsync(string instance, CancellationToken cancellationToken) => WriteBootstrap(await _control!.CreateBootstrapAsync(instance, cancellationToken));

    private string WriteBootstrap(SidecarBootstrap bootstrap)
    {
        var instance = bootstrap.Instance;
        if (SidecarUpgrades.IsSupported) bootstrap = bootstrap with { HandoverSocket = _folder.SocketFor(instance) };
        return _folder.Write($"{instance}-{Guid.NewGuid():N}.json", JsonSerializer.Serialize(bootstrap, MeshJson.Default.SidecarBootstrap));
    }

    private async Task<IMeshControl> StartControlPlaneAsync(MeshResource mesh, MeshPlan plan, PolicyFile? file, CancellationToken cancellationToken)
    {
        // Every step is tried although one before it failed: all that is wrong is said in the same breath.
        List<MeshProblem> problems = [.. plan.Errors];
        var policies = Try(() => file?.Read());
        var control = Try(() => Control(mesh, plan));
        if (problems.Count > 0 || control is null)
        {
            if (control is not null) await control.DisposeAsync();
            await using var check = Try(() => new MeshControlPlane(Options(mesh, plan) with { RunDirectory = "" }));
            Try(() => { check?.ApplyModel(plan.Model); return check; });
            if (policies is not null && check?.Model is not null) Try(() => { check.ApplyPolicies(policies); return check; });
            throw new MeshValidationException([.. problems.Distinct()]);
        }
        try
        {
            await control.StartAsync(plan.Model, policies, cancellationToken);
            return control;
        }
        catch
        {
            await control.DisposeAsync();
            throw;
        }

        T? Try<T>(Func<T?> step) where T : class
        {
            try
            {
                return step();
            }
            catch (MeshValidationException e)
            {
                problems.AddRange(e.Problems);
                return null;
            }
        }
    }

    private IMeshControl Control(MeshResource mesh, MeshPlan plan)
    {
        if (mesh.Options.ControlPlane is not ControlPlaneHosting.OwnProcess) return new InnerControl(Options(mesh, plan));
        var tool = FoundExecutable.Tool(mesh.Options.ToolPath) ?? throw new MeshValidationException([MeshDiagnostics.ControlPlaneNotStarted.Found(
            $"The control plane was to run in a process of its own and aspiremesh was not found ({FoundExecutable.Places(FoundExecutable.ToolVariable, "aspiremesh")}). Set {FoundExecutable.ToolVariable} to the executable, or remove .WithControlPlane(ControlPlaneHosting.OwnProcess).")]);
        return new ProcessControl(Options(mesh, plan), tool, $"{mesh.Name}-control", _folder, time);
    }

    private ControlPlaneOptions Options(MeshResource mesh, MeshPlan plan) =>
        ControlPlaneSettings.Of(mesh.Options, plan, services.GetRequiredService<IConfiguration>(), time, services.GetRequiredService<ILoggerFactory>());

    private SidecarHosting ChooseHosting(MeshOptions options, out FoundExecutable? proxy)
    {
        proxy = FoundExecutable.Proxy(options.ProxyPath);
        var hosting = options.SidecarHosting ?? (proxy is { IsAheadOfTime: true } ? SidecarHosting.PerWorkload : SidecarHosting.Shared);
        if (hosting == SidecarHosting.PerWorkload && proxy is null)
        {
            LogWarning(MeshDiagnostics.ProxyNotFound.Found($"Sidecars were to run as processes and the proxy was not found ({FoundExecutable.Places(FoundExecutable.ProxyVariable, "aspiremesh-proxy")}): they run inside the AppHost. Publish it and set {FoundExecutable.ProxyVariable} to the executable.").ToString());
            hosting = SidecarHosting.Shared;
        }
        if (hosting == SidecarHosting.Shared) proxy = null;
        return hosting;
    }

    private void Follow(MeshResource mesh, DistributedApplicationModel model, MeshPlan plan, IMeshControl control, SidecarHosting hosting, PolicyFile? file)
    {
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        _apps = new AppStates(plan, control, notifications);
        _shared = hosting == SidecarHosting.Shared ? new SharedSidecars(services, control, time, Stopping) : null;
        var rows = new SidecarRows(this, mesh, model, plan, notifications);
        var restarts = new SidecarRestarts(services, notifications, time);
        var callers = new ContainerCallers(plan, control, notifications, new ContainerBridge(services.GetRequiredService<IConfiguration>()), time);
        control.SidecarChanged += instance =>
        {
            if (ProblemOf(instance) is null) Ready(instance).TrySetResult();
            rows.Changed(instance);
        };
        _background = Task.WhenAll(new[]
        {
            _apps.FollowAsync(Stopping), callers.FollowAsync(Stopping), _upgrades!.FollowAsync(control, Stopping), rows.FollowAsync(Stopping), restarts.FollowAsync(Stopping), AnnounceAsync(mesh, plan, control, hosting, rows), file?.FollowAsync(control, Stopping) ?? Task.CompletedTask,
        }.Select(SayWhenBrokenAsync));
    }

    private async Task AnnounceAsync(MeshResource mesh, MeshPlan plan, IMeshControl control, SidecarHosting hosting, SidecarRows rows)
    {
        try
        {
            await control.WaitForSidecarsAsync(Stopping);
            var line = new ReadyLine(plan, hosting, services);
            await line.WaitForGatewaysAsync(Stopping);
            await rows.MeshIsReadyAsync(mesh, plan, hosting, control.Run.Admin);
            LogReady(line.ToString());
        }
        catch (OperationCanceledException)
        {
            LogNeverReady();
        }
    }

    /// <summary>Nobody waits for what goes on in the background; when it breaks, that has to be seen.</summary>
    private async Task SayWhenBrokenAsync(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (!Stopping.IsCancellationRequested)
        {
            LogBroken(e);
        }
    }

    private TaskCompletionSource Ready(string instance) => _ready.GetOrAdd(instance, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    [LoggerMessage(1, LogLevel.Information, "AspireMesh ready: {Line}")]
    private partial void LogReady(string line);

    [LoggerMessage(2, LogLevel.Warning, "{Problem}")]
    private partial void LogWarning(string problem);

    [LoggerMessage(3, LogLevel.Warning, "The sidecar '{Instance}' is not ready: {Problem}. Look at its log, or type: aspiremesh check --wait 30")]
    private partial void LogSlowSidecar(string instance, string problem);

    [LoggerMessage(5, LogLevel.Error, "The mesh no longer follows the application. Start the AppHost again, and report this with its log.")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "The application ended before the mesh was ready.")]
    private partial void LogNeverReady();
}

/// <summary>The plan, on the mesh resource: what publishing works from.</summary>
internal sealed record MeshPlanAnnotation(MeshPlan Plan) : IResourceAnnotation;
