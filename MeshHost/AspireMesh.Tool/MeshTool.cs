using System.CommandLine;
using System.CommandLine.Help;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Tool.Commands;

namespace AspireMesh.Tool;

/// <summary>The operator's command line: parses, runs one command, turns every known failure into sentences and an exit code.</summary>
internal static class MeshTool
{
    public static async Task<int> RunAsync(string[] args, ToolTerminal terminal, CancellationToken cancellationToken)
    {
        var root = Root(terminal);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction)
        {
            foreach (var error in parsed.Errors) await terminal.Error.WriteLineAsync(error.Message);
            await terminal.Error.WriteLineAsync($"See: {CommandPath(parsed)} --help");
            return ExitCodes.Usage;
        }
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellationToken);
        }
        catch (MeshValidationException e)
        {
            foreach (var problem in e.Problems) await terminal.Error.WriteLineAsync(problem.ToString());
            return e.Problems.All(p => p.Id == MeshDiagnostics.BadArgument.Id) ? ExitCodes.Usage : ExitCodes.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A command that goes on until it is ended says itself that this is how it ends.
            return ExitCodes.Cancelled;
        }
    }

    private static RootCommand Root(ToolTerminal terminal) => new("Looks at and changes a running AspireMesh.")
    {
        CheckCommand.Create(terminal),
        StatusCommand.Create(terminal),
        RoutesCommand.Create(terminal),
        StatCommand.Create(terminal),
        TapCommand.Create(terminal),
        ConfigCommand.Create(terminal),
        CertsCommand.Create(terminal),
        UpgradeCommand.Create(terminal),
        FaultsCommand.Create(terminal),
        SplitCommand.Create(terminal),
        MtlsCommand.Create(terminal),
        PoliciesCommand.Create(terminal),
        ServeCommand.Create(terminal),
        RehearseCommand.Create(terminal),
        InjectCommand.Create(terminal),
    };

    private static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as System.CommandLine.Parsing.CommandResult)
        {
            names.Push(result.Command is RootCommand ? "aspiremesh" : result.Command.Name);
        }
        return string.Join(' ', names);
    }
}
