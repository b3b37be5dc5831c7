using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using AspireMesh.Host;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// The control plane in a process of its own, as a resource that the host starts and that is started again when it dies: it keeps its root key and its model
/// in a private folder for as long as the application runs, so sidecars go on with the trust they have.
/// </summary>
internal sealed partial class ProcessControl : IMeshControl
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(300);

    private readonly ControlPlaneOptions _options;
    private readonly FoundExecutable _tool;
    private readonly PrivateFolder _folder;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MeshAdminClient _client;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<Func<CancellationToken, Task>> _changes = Channel.CreateUnbounded<Func<CancellationToken, Task>>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _allReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _listen = FreePorts.Next();
    private volatile MeshStatus _status;
    private Task _background = Task.CompletedTask;

    public ProcessControl(ControlPlaneOptions options, FoundExecutable tool, string resourceName, PrivateFolder folder, TimeProvider time)
    {
        _options = options;
        _tool = tool;
        _folder = folder;
        _time = time;
        _logger = options.LoggerFactory.CreateLogger("AspireMesh");
        _status = new MeshStatus { TrustDomain = options.TrustDomain, Mtls = "" };
        Run = new RunFile { AppHost = options.Name, Pid = Environment.ProcessId, Admin = $"http://127.0.0.1:{FreePorts.Next()}", Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) };
        _client = new MeshAdminClient(Run);
        Resource = new MeshControlResource(resourceName, tool.Command, AppContext.BaseDirectory);
    }

    /// <inheritdoc/>
    public event Action<string>? SidecarChanged;

    /// <inheritdoc/>
    public RunFile Run { get; }

    /// <inheritdoc/>
    public MeshStatus Status => _status;

    /// <summary>The process as a resource, to be added to the application.</summary>
    public MeshControlResource Resource { get; }

    /// <inheritdoc/>
    public async Task StartAsync(MeshModel model, PolicyDocument? policies, CancellationToken cancellationToken)
    {
        // What is wrong is said here, before anything starts, and not in the log of a process that ended.
        await using (var check = new MeshControlPlane(_options with { RunDirectory = "" }))
        {
            check.ApplyModel(model);
            if (policies is not null) check.ApplyPolicies(policies);
            model = check.Model!;
        }
        string[] arguments =
        [
            "serve",
            "--model", _folder.Write("model.json", JsonSerializer.Serialize(model, MeshJson.Default.MeshModel)),
            "--state", _folder.Subfolder("state"),
            "--listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_listen}"),
            "--admin", new Uri(Run.Admin).Authority,
            "--admin-token-file", _folder.Write("token", Run.Token),
            .. _options.CaDirectory is { } trust ? ["--ca-state", trust] : Array.Empty<string>(),
            .. _options.WorkloadApi is { } api ? ["--workload-api", api] : Array.Empty<string>(),
            .. _options is { CaCertificateFile: { } certificate, CaKeyFile: { } key } ? ["--ca-cert", certificate, "--ca-key", key] : Array.Empty<string>(),
        ];
        Resource.Annotations.Add(new CommandLineArgsCallbackAnnotation(list =>
        {
            foreach (var argument in _tool.Arguments.Concat(arguments)) list.Add(argument);
        }));
        Resource.Annotations.Add(ManifestPublishingCallbackAnnotation.Ignore);
        Resource.Annotations.Add(new ResourceIconAnnotation("ShieldTask"));
        _background = Task.WhenAll(FollowAsync(model.Workloads.Sum(w => w.Sidecars.Length)), SendAsync());
    }

    /// <inheritdoc/>
    public async Task<SidecarBootstrap> CreateBootstrapAsync(string instance, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await _client.CreateBootstrapAsync(instance, cancellationToken);
            }
            catch (MeshValidationException e) when (IsAway(e))
            {
                await Task.Delay(AskAgain, _time, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void SetAppAddress(AppAddressChange change) => _changes.Writer.TryWrite(token => _client.SetAppAddressAsync(change, token));

    /// <inheritdoc/>
    public void SetAppHealth(AppHealthChange change) => _changes.Writer.TryWrite(token => _client.SetAppHealthAsync(change, token));

    /// <inheritdoc/>
    public void SetCallerAddresses(CallerAddressesChange change) => _changes.Writer.TryWrite(token => _client.SetCallerAddressesAsync(change, token));

    /// <inheritdoc/>
    public Task RenewAsync(string instance, CancellationToken cancellationToken) => _client.RenewAsync(new RenewChange { Instance = instance }, cancellationToken);

    /// <inheritdoc/>
    public Task MoveSplitAsync(SplitChange change, CancellationToken cancellationToken) => _client.MoveSplitAsync(change, cancellationToken);

    /// <inheritdoc/>
    public Task ApplyPoliciesAsync(string json, string source, CancellationToken cancellationToken) => _client.ApplyPoliciesAsync(json, cancellationToken);

    /// <inheritdoc/>
    public async Task<UpgradeTicket> NextUpgradeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await _client.NextUpgradeAsync(cancellationToken);
            }
            catch (MeshValidationException e)
            {
                LogAway(e.Message);
                await Task.Delay(AskAgain, _time, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public Task AnswerUpgradeAsync(long id, UpgradeOutcome outcome, CancellationToken cancellationToken) => _client.AnswerUpgradeAsync(id, outcome, cancellationToken);

    /// <inheritdoc/>
    public Task WaitForSidecarsAsync(CancellationToken cancellationToken) => _allReady.Task.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        _stopping.Dispose();
    }

    private static bool IsAway(MeshValidationException e) => e.Problems.Any(p => p.Id == MeshDiagnostics.ControlPlaneAway.Id);

    private async Task FollowAsync(int sidecars)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var before = _status.Workloads;
                _status = await _client.GetStatusAsync(_stopping.Token);
                foreach (var row in _status.Workloads.Where(w => !before.Any(b => b.Name == w.Name && b.Snapshot == w.Snapshot && b.SvidExpires == w.SvidExpires))) SidecarChanged?.Invoke(row.Name);
                if (_status.Workloads.Length == sidecars && _status.Workloads.All(w => w is { Snapshot: > 0, SvidExpires: not null })) _allReady.TrySetResult();
            }
            catch (MeshValidationException e)
            {
                LogAway(e.Message);
            }
            await Task.Delay(AskAgain, _time, _stopping.Token);
        }
    }

    /// <summary>Changes go out one by one, in order; one that cannot be delivered waits for the control plane to come back.</summary>
    private async Task SendAsync()
    {
        await foreach (var change in _changes.Reader.ReadAllAsync(_stopping.Token))
        {
            for (var sent = false; !sent;)
            {
                try
                {
                    await change(_stopping.Token);
                    sent = true;
                }
                catch (MeshValidationException e) when (IsAway(e))
                {
                    await Task.Delay(AskAgain, _time, _stopping.Token);
                }
                catch (MeshValidationException e)
                {
                    LogRefused(e.Message);
                    sent = true;
                }
            }
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "{Problem}")]
    private partial void LogAway(string problem);

    [LoggerMessage(2, LogLevel.Warning, "The control plane refused what it was told about an app: {Problem}")]
    private partial void LogRefused(string problem);
}
