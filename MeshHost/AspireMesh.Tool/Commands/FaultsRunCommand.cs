using System.CommandLine;
using AspireMesh.Chaos;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh faults run FILE</c>: runs experiments against the running mesh. 0 when every hypothesis held, 1 when one did not.</summary>
internal sealed class FaultsRunCommand
{
    private readonly Argument<string[]> _files = new("file") { Description = "Experiments, as JSON: our own, or a Chaos Toolkit experiment.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string[]> _at = new("--at") { Description = "Where a resource answers that a document names, for example frontend=http://127.0.0.1:8080.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _journal = new("--journal") { Description = "Writes what happened, as JSON, to this file; with several experiments, one document a line." };
    private readonly Option<string?> _junit = new("--junit") { Description = "Writes a JUnit file." };
    private readonly Option<string?> _markdown = new("--markdown") { Description = "Writes a report with pictures." };
    private readonly Option<bool> _check = new("--check") { Description = "Only says whether the documents can be run." };
    private readonly MeshOption _mesh;

    private FaultsRunCommand(ToolTerminal terminal) => _mesh = new MeshOption(terminal);

    public static Command Create(ToolTerminal terminal) => new FaultsRunCommand(terminal).Build(terminal);

    private Command Build(ToolTerminal terminal)
    {
        var command = new Command("run", "Runs experiments and prints their verdicts.") { _files, _at, _journal, _junit, _markdown, _check };
        _mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var problems = new ProblemList();
            var addresses = Addresses(parsed.GetValue(_at) ?? [], problems);
            var experiments = await ReadAsync(parsed.GetRequiredValue(_files), problems, cancellationToken);
            problems.ThrowIfAny();
            if (parsed.GetValue(_check))
            {
                await terminal.Out.WriteLineAsync($"{experiments.Count} experiments can be run");
                return ExitCodes.Ok;
            }
            var results = new List<ExperimentResult>();
            foreach (var experiment in experiments)
            {
                await using var session = ChaosSession.Open(_mesh.Find(parsed), addresses: addresses, time: terminal.Time);
                results.Add(await experiment.RunAsync(session, terminal.Time, cancellationToken));
            }
            terminal.Console.Write(Verdicts(results));
            terminal.Console.Write(Checks(results));
            await WriteAsync(parsed.GetValue(_journal), string.Concat(results.Select(ExperimentReport.ToJournal)), cancellationToken);
            await WriteAsync(parsed.GetValue(_junit), ExperimentReport.ToJUnit(results), cancellationToken);
            await WriteAsync(parsed.GetValue(_markdown), string.Join('\n', results.Select(ExperimentReport.ToMarkdown)), cancellationToken);
            return results.TrueForAll(r => r.Verdict == Verdict.Held) ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    private static async Task<List<Experiment>> ReadAsync(string[] files, ProblemList problems, CancellationToken cancellationToken)
    {
        var experiments = new List<Experiment>();
        foreach (var file in files)
        {
            try
            {
                experiments.Add(Experiment.From(DocumentFormat.Read(await File.ReadAllTextAsync(file, cancellationToken), file)));
            }
            catch (MeshValidationException e)
            {
                foreach (var problem in e.Problems) problems.Add(problem);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add(MeshDiagnostics.BadArgument, $"The experiment '{file}' cannot be opened: {e.Message} Type: aspiremesh faults run PATH");
            }
        }
        return experiments;
    }

    private static Dictionary<string, Uri> Addresses(string[] given, ProblemList problems)
    {
        var addresses = new Dictionary<string, Uri>(StringComparer.OrdinalIgnoreCase);
        foreach (var text in given)
        {
            var parts = text.Split('=', 2);
            if (parts.Length == 2 && parts[0].Length > 0 && Uri.TryCreate(parts[1], UriKind.Absolute, out var address) && address.Scheme is "http" or "https") addresses[parts[0]] = address;
            else problems.Add(MeshDiagnostics.BadArgument, $"--at '{text}' is no name and address. Type for example: --at frontend=http://127.0.0.1:8080");
        }
        return addresses;
    }

    private static Spectre.Console.Table Verdicts(List<ExperimentResult> results)
    {
        var table = Tables.Create("experiment", "verdict", "seed", "fires", "reason");
        foreach (var result in results) table.Row(result.Name, result.Verdict.ToString(), $"{result.Seed}", $"{result.Fires.Values.Sum()}", result.AbortReason);
        return table;
    }

    private static Spectre.Console.Table Checks(List<ExperimentResult> results)
    {
        var table = Tables.Create("experiment", "when", "claim", "found", "holds");
        foreach (var result in results)
        {
            foreach (var check in result.Checks) table.Row(result.Name, check.Phase.ToString().ToLowerInvariant(), check.Name, check.Found, Tables.YesNo(check.Holds));
        }
        return table;
    }

    private static Task WriteAsync(string? file, string text, CancellationToken cancellationToken) => file is null ? Task.CompletedTask : File.WriteAllTextAsync(file, text, cancellationToken);
}
