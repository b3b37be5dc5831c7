using System.CommandLine;
using System.Security.Cryptography;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
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
    private readonly FaultWhenOptions _when = new();
    private readonly Option<int> _order = new("--order") { Description = "Its place among the faults on the same request; lower first." };
    private readonly Option<string?> _ttl = new("--ttl") { Description = "Ends by itself after this long, for example 60s." };
    private readonly Option<long?> _seed = new("--seed") { Description = "Seed of the decisions; without it, one is made up and printed." };
    private readonly MeshOption _mesh;

    private FaultsAddCommand(ToolTerminal terminal) => _mesh = new MeshOption(terminal);

    public static Command Create(ToolTerminal terminal) => new FaultsAddCommand(terminal).Build(terminal);

    private Command Build(ToolTerminal terminal)
    {
        var command = new Command("add", "Adds a fault to the running mesh.")
        {
            _id, _from, _to, _endpoint, _side, _ttl, _seed, _order,
        };
        foreach (var option in _when.All.Concat(_kinds.All)) command.Options.Add(option);
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
        var (match, activation) = (_when.Match(parsed, problems), _when.Activation(parsed, problems));
        problems.ThrowIfAny();
        return new FaultRule
        {
            Id = parsed.GetValue(_id) ?? $"{fault.Kind}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}",
            From = parsed.GetValue(_from),
            To = parsed.GetValue(_to),
            Endpoint = parsed.GetValue(_endpoint),
            Side = parsed.GetValue(_side),
            Match = match,
            Fault = fault,
            Activation = activation,
            Seed = parsed.GetValue(_seed) ?? RandomNumberGenerator.GetInt32(int.MaxValue),
            ExpiresAt = ttl is null ? null : now + ttl,
            Order = parsed.GetValue(_order),
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
