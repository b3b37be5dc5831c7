using System.CommandLine;
using System.Text.Json.Nodes;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Rehearsal;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh rehearse FOLDER</c>: runs a published chart without a cluster, until Ctrl+C.</summary>
internal sealed class RehearseCommand
{
    private const string ProxyVariable = "ASPIREMESH_PROXY";

    private readonly Argument<string> _folder = new("folder") { Description = "A published chart, or a folder of plain manifests." };
    private readonly Option<string> _namespace = new("--namespace", "-n") { Description = "The namespace it would be installed in.", DefaultValueFactory = _ => "default" };
    private readonly Option<string?> _release = new("--release") { Description = "The release's name. Default: the chart's." };
    private readonly Option<string[]> _set = new("--set") { Description = "A value of the chart, key.key=value; can be given several times." };
    private readonly Option<string?> _proxy = new("--proxy") { Description = "The sidecar's program, or its .dll. Default: ASPIREMESH_PROXY, or beside this tool." };
    private readonly Option<bool> _loopback = new("--loopback") { Description = "Run pods on this machine's loopback address, also where network namespaces can be made." };
    private readonly Option<bool> _quiet = new("--quiet") { Description = "Leave out what the pods write." };

    public static Command Create(ToolTerminal terminal) => new RehearseCommand().Build(terminal);

    private Command Build(ToolTerminal terminal)
    {
        var command = new Command("rehearse", "Runs a published chart without a cluster, until Ctrl+C: in network namespaces as root on Linux, on loopback otherwise.") { _folder, _namespace, _release, _set, _proxy, _loopback, _quiet };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var output = TextWriter.Synchronized(terminal.Out);
            await using var rehearsal = await ChartRehearsal.StartAsync(new RehearsalOptions
            {
                Folder = parsed.GetRequiredValue(_folder),
                Namespace = parsed.GetRequiredValue(_namespace),
                Release = parsed.GetValue(_release),
                Values = Values(parsed.GetValue(_set) ?? []),
                Proxy = Proxy(parsed.GetValue(_proxy)),
                Tool = [.. Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet" ? new[] { path } : ["dotnet", typeof(RehearseCommand).Assembly.Location]],
                OnLoopback = parsed.GetValue(_loopback),
                Output = parsed.GetValue(_quiet) ? _ => { } : output.WriteLine,
                RunDirectory = terminal.RunDirectory,
                TimeProvider = terminal.Time,
            }, cancellationToken);
            foreach (var difference in rehearsal.Differences) await output.WriteLineAsync($"not as in a cluster: {difference}");
            await rehearsal.WaitReadyAsync(cancellationToken);
            await output.WriteLineAsync($"AspireMesh ready: {rehearsal.ReadyLine}");
            await output.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, terminal.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string[] Proxy(string? given)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "aspiremesh-proxy");
        var path = given ?? Environment.GetEnvironmentVariable(ProxyVariable) ?? (File.Exists(beside) ? beside : null);
        if (string.IsNullOrEmpty(path)) return [];
        if (!File.Exists(path)) throw new MeshValidationException([MeshDiagnostics.BadArgument.Found($"There is no sidecar at '{path}'. Give its path: --proxy PATH")]);
        return path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? ["dotnet", Path.GetFullPath(path)] : [Path.GetFullPath(path)];
    }

    private static JsonObject? Values(string[] set)
    {
        var problems = new ProblemList();
        var root = new JsonObject();
        foreach (var text in set)
        {
            if (text.Split('=', 2) is not [{ Length: > 0 } path, var value])
            {
                problems.Add(MeshDiagnostics.BadArgument, $"--set {text}: write key.key=value.");
                continue;
            }
            var keys = path.Split('.');
            var at = root;
            foreach (var key in keys[..^1]) at = at[key] as JsonObject ?? (JsonObject)(at[key] = new JsonObject());
            at[keys[^1]] = value;
        }
        problems.ThrowIfAny();
        return set.Length == 0 ? null : root;
    }
}
