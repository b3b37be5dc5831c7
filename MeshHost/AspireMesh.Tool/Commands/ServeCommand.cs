using System.CommandLine;
using AspireMesh.Host;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Tool.Commands;

/// <summary>
/// <c>aspiremesh serve</c>: the control plane as a process of its own. With a state directory, one that was killed comes back with the same trust, the same
/// model and, where its ports are fixed, under the same addresses, so that sidecars find it again.
/// </summary>
internal sealed class ServeCommand
{
    private readonly Option<string?> _model = new("--model") { Description = "The mesh model (JSON). Without it, the kept one is taken up, or one is awaited over the admin API." };
    private readonly Option<string?> _name = new("--name") { Description = "The mesh's name, where no model says it." };
    private readonly Option<string?> _trustDomain = new("--trust-domain") { Description = "The trust domain, where no model says it." };
    private readonly Option<string?> _namespace = new("--namespace") { Description = "The namespace in SPIFFE IDs, where no model says it (default \"default\"); in a cluster the pod's own." };
    private readonly Option<string?> _state = new("--state") { Description = "Directory for root key and model (mode 0600). Without it, both live in memory only." };
    private readonly Option<string?> _caState = new("--ca-state") { Description = "Directory for the root key alone, where it outlives --state." };
    private readonly Option<string?> _listen = new("--listen") { Description = "Where sidecars connect. Default 127.0.0.1:0, in a cluster *:15010." };
    private readonly Option<string?> _admin = new("--admin") { Description = "Where tools connect. Default 127.0.0.1:0, in a cluster 127.0.0.1:15011." };
    private readonly Option<bool> _kubernetes = new("--kubernetes") { Description = "In a cluster: one of several replicas; model, CA and pods come from the API server (docs/kubernetes.md)." };
    private readonly Option<string?> _kubeconfig = new("--kubeconfig") { Description = "With --kubernetes: how to reach the API server. Default: KUBECONFIG, or the pod's service account." };
    private readonly Option<string?> _policies = new("--policies") { Description = "A policy document that is applied to the model." };
    private readonly Option<string?> _caCertificate = new("--ca-cert") { Description = "A CA of yours: PEM, signing certificate first, up to the root." };
    private readonly Option<string?> _caKey = new("--ca-key") { Description = "PEM of its unencrypted key." };
    private readonly Option<string?> _adminToken = new("--admin-token-file") { Description = "File with the admin API's bearer token; without it, a new one is made." };
    private readonly Option<string?> _workloadApi = new("--workload-api") { Description = "A SPIFFE Workload API (a SPIRE agent) that gives control plane and sidecars their identities instead of a CA: unix:///path/of/the.sock." };
    private readonly Option<string?> _issuer = new("--cert-manager-issuer") { Description = "With --kubernetes: the issuer that gives the control plane its intermediate CA." };
    private readonly Option<string> _issuerKind = new("--cert-manager-kind") { Description = "Its kind.", DefaultValueFactory = _ => "Issuer" };
    private readonly Option<string> _issuerGroup = new("--cert-manager-group") { Description = "Its API group.", DefaultValueFactory = _ => "cert-manager.io" };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Log what sidecars do." };

    public static Command Create(ToolTerminal terminal) => new ServeCommand().Build(terminal);

    private Command Build(ToolTerminal terminal)
    {
        var command = new Command("serve", "Runs the control plane as a process of its own, until Ctrl+C.")
        {
            _model, _name, _trustDomain, _namespace, _state, _caState, _listen, _admin, _policies, _caCertificate, _caKey, _adminToken, _verbose, _kubernetes, _kubeconfig,
            _workloadApi, _issuer, _issuerKind, _issuerGroup,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var model = parsed.GetValue(_model) is { } file ? MeshDocument.ReadModel(Read(file), file) : null;
            var inCluster = parsed.GetValue(_kubernetes);
            var level = parsed.GetValue(_verbose) ? LogLevel.Debug : inCluster ? LogLevel.Information : LogLevel.Warning;
            using var logs = LoggerFactory.Create(b => b.AddSimpleConsole(c => c.SingleLine = true).SetMinimumLevel(level).AddFilter("Microsoft", LogLevel.Warning));
            if (inCluster)
            {
                CheckForCluster(parsed);
                await ServeInCluster.RunAsync(parsed.GetValue(_kubeconfig), options => options with
                {
                    Namespace = parsed.GetValue(_namespace) ?? options.Namespace,
                    TrustDomain = parsed.GetValue(_trustDomain),
                    ControlListen = parsed.GetValue(_listen) ?? options.ControlListen,
                    AdminListen = parsed.GetValue(_admin) ?? options.AdminListen,
                    WorkloadApi = parsed.GetValue(_workloadApi),
                    Issuer = parsed.GetValue(_issuer) is { } issuer ? new IssuerReference(issuer, parsed.GetValue(_issuerKind)!, parsed.GetValue(_issuerGroup)!) : null,
                    TimeProvider = terminal.Time,
                    LoggerFactory = logs,
                }, terminal, cancellationToken);
                return ExitCodes.Ok;
            }
            await using var mesh = new MeshControlPlane(Options(parsed, model, terminal, logs));
            if (model is not null) mesh.ApplyModel(model);
            await mesh.StartAsync(cancellationToken);
            if (parsed.GetValue(_policies) is { } policies) mesh.ApplyPolicies(MeshDocument.ReadPolicies(Read(policies), policies));
            // The line that a supervisor waits for; nothing secret is in it.
            await terminal.Out.WriteLineAsync($"AspireMesh control plane ready: {mesh.ControlAddress} admin {mesh.AdminAddress}");
            await terminal.Out.FlushAsync(cancellationToken);
            await WaitAsync(cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    // Each of these would be ignored in a cluster, where the same is said by objects.
    private void CheckForCluster(ParseResult parsed)
    {
        var problems = new ProblemList();
        foreach (var option in new Option[] { _model, _state, _policies, _caCertificate, _caKey, _adminToken })
        {
            if (parsed.GetResult(option) is { Implicit: false }) problems.Add(MeshDiagnostics.BadArgument, $"{option.Name} does not go with --kubernetes: model, CA and token are objects of the cluster. Leave it out; see docs/kubernetes.md.");
        }
        if (parsed.GetValue(_issuer) is not null && parsed.GetValue(_workloadApi) is not null) problems.Add(MeshDiagnostics.BadArgument, "--cert-manager-issuer and --workload-api do not go together: identities come from one of them. Leave one out.");
        problems.ThrowIfAny();
    }

    private ControlPlaneOptions Options(ParseResult parsed, MeshModel? model, ToolTerminal terminal, ILoggerFactory logs)
    {
        var problems = new ProblemList();
        var trustDomain = model?.TrustDomain ?? parsed.GetValue(_trustDomain);
        if (trustDomain is null) problems.Add(MeshDiagnostics.BadArgument, "serve needs --model FILE, or --trust-domain NAME and a model later. Type for example: aspiremesh serve --model mesh.json --state ./state");
        if (parsed.GetValue(_caCertificate) is null != parsed.GetValue(_caKey) is null) problems.Add(MeshDiagnostics.BadArgument, "--ca-cert and --ca-key go together. Give both.");
        if (parsed.GetValue(_issuer) is not null) problems.Add(MeshDiagnostics.BadArgument, "--cert-manager-issuer goes with --kubernetes: an issuer is an object of a cluster. Give its CA as files instead: --ca-cert FILE --ca-key FILE");
        if (parsed.GetValue(_workloadApi) is not null && parsed.GetValue(_caCertificate) is not null) problems.Add(MeshDiagnostics.BadArgument, "--ca-cert and --workload-api do not go together: identities come from one of them. Leave one out.");
        problems.ThrowIfAny();
        var state = parsed.GetValue(_state);
        return new ControlPlaneOptions
        {
            Name = model?.Name ?? parsed.GetValue(_name) ?? "mesh",
            TrustDomain = trustDomain!,
            Namespace = model?.Namespace ?? parsed.GetValue(_namespace) ?? "default",
            ControlListen = parsed.GetValue(_listen) ?? "127.0.0.1:0",
            AdminListen = parsed.GetValue(_admin) ?? "127.0.0.1:0",
            AdminToken = parsed.GetValue(_adminToken) is { } file ? Read(file).Trim() : null,
            StateDirectory = state,
            CaDirectory = parsed.GetValue(_caState),
            KeepModel = state is not null,
            CaCertificateFile = parsed.GetValue(_caCertificate),
            CaKeyFile = parsed.GetValue(_caKey),
            WorkloadApi = parsed.GetValue(_workloadApi),
            RunDirectory = terminal.RunDirectory,
            TimeProvider = terminal.Time,
            LoggerFactory = logs,
        };
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MeshValidationException([MeshDiagnostics.BadDocument.Found($"'{file}' cannot be read: {e.Message} Give the path of a file that is there.")]);
        }
    }

    private static async Task WaitAsync(CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(ended.SetResult);
        await ended.Task;
    }
}
