using System.CommandLine;
using System.Security.Cryptography;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Tool.Connecting;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh faults add</c>.</summary>
internal sealed class FaultsAddCommand
{
    private readonly Option<string?> _id = new("--id") { Description = "Its name; without it, one is made up." };
    private readonly Option<string?> _from = new("--from") { Description = "The caller; any without it." };
    private readonly Option<string?> _to = new("--to") { Description = "The callee; any without it." };
    private readonly Option<string?> _endpoint = new("--endpoint") { Description = "The callee's endpoint." };
    private readonly Option<FaultSide> _side = new("--side") { Description = "Which end executes it: outbound (default) or inbound." };
    private readonly FaultKindOptions _kinds = new();
    private readonly Option<double> _percent = new("--percent") { Description = "Share of requests, 0 to 100.", DefaultValueFactory = _ => 100 };
    private readonly Option<long> _first = new("--first") { Description = "Only the first n." };
    private readonly Option<long> _every = new("--every") { Description = "Only every n-th." };
    private readonly Option<long> _max = new("--max") { Description = "At most this often." };
    private readonly Option<string?> _path = new("--path") { Description = "Only paths that begin so." };
    private readonly Option<string?> _method = new("--method") { Description = "Only this method." };
    private readonly Option<string?> _ttl = new("--ttl") { Description = "Ends by itself after this long, for example 60s." };
    private readonly Option<long?> _seed = new("--seed") { Description = "Seed of the decisions; without it, one is made up and printed." };
    private readonly MeshOption _mesh;

    private FaultsAddCommand(ToolTerminal terminal) => _mesh = new MeshOption(terminal);

    public static Command Create(ToolTerminal terminal) => new FaultsAddCommand(terminal).Build(terminal);

    private Command Build(ToolTerminal terminal)
    {
        var command = new Command("add", "Adds a fault to the running mesh.")
        {
            _id, _from, _to, _endpoint, _side, _percent, _first, _every, _max, _path, _method, _ttl, _seed,
        };
        foreach (var option in _kinds.All) command.Options.Add(option);
        _mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var rule = Rule(parsed, terminal.Time.GetUtcNow());
            using var client = _mesh.Connect(parsed);
            await client.AddFaultAsync(rule, cancellationToken);
            await terminal.Out.WriteLineAsync($"added {rule.Id}: {FaultsCommand.Describe(rule)}. Take it away with: aspiremesh faults remove {rule.Id}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private FaultRule Rule(ParseResult parsed, DateTimeOffset now)
    {
        var problems = new ProblemList();
        var fault = _kinds.Read(parsed, problems);
        var ttl = Duration(parsed, _ttl, problems);
        problems.ThrowIfAny();
        var (path, method) = (parsed.GetValue(_path), parsed.GetValue(_method));
        return new FaultRule
        {
            Id = parsed.GetValue(_id) ?? $"{fault.Kind}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}",
            From = parsed.GetValue(_from),
            To = parsed.GetValue(_to),
            Endpoint = parsed.GetValue(_endpoint),
            Side = parsed.GetValue(_side),
            Match = path is null && method is null
                ? null
                : new RouteMatch { Path = path is null ? null : new StringMatch(StringMatchKind.Prefix, path), Methods = method is null ? [] : [method] },
            Fault = fault,
            Activation = new FaultActivation { Percent = parsed.GetValue(_percent), First = parsed.GetValue(_first), EveryNth = parsed.GetValue(_every), MaxFires = parsed.GetValue(_max) },
            Seed = parsed.GetValue(_seed) ?? RandomNumberGenerator.GetInt32(int.MaxValue),
            ExpiresAt = ttl is null ? null : now + ttl,
        };
    }

    private static TimeSpan? Duration(ParseResult parsed, Option<string?> option, ProblemList problems)
    {
        if (parsed.GetValue(option) is not { } text) return null;
        if (DurationText.TryParse(text, out var time)) return time;
        problems.Add(MeshDiagnostics.BadArgument, $"{option.Name} '{text}' is no time. Write a number with ms, s, m or h, for example {option.Name} 300ms.");
        return null;
    }
}
