using System.CommandLine;
using System.Globalization;
using AspireMesh.Protocol.Faults;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh faults</c>: list, journal, add, remove, clear, run.</summary>
internal static class FaultsCommand
{
    public static Command Create(ToolTerminal terminal) =>
        new("faults", "Faults in force: list, journal, add, remove, clear; and experiments: run.") { List(terminal), Journal(terminal), FaultsAddCommand.Create(terminal), Remove(terminal), Clear(terminal), FaultsRunCommand.Create(terminal) };

    /// <summary>A fault in one line.</summary>
    public static string Describe(FaultRule rule)
    {
        var what = rule.Fault.Kind switch
        {
            FaultKinds.Abort when rule.Fault.Status == 0 => $"abort grpc {rule.Fault.GrpcStatus}",
            FaultKinds.Abort => $"abort {rule.Fault.Status}",
            FaultKinds.Delay => string.Create(CultureInfo.InvariantCulture, $"delay {rule.Fault.Delay.TotalMilliseconds} ms"),
            var kind => kind,
        };
        return string.Create(CultureInfo.InvariantCulture, $"{what} on {rule.From ?? "*"} -> {rule.To ?? "*"}{(rule.Endpoint is null ? "" : "." + rule.Endpoint)}, {rule.Activation.Percent} %, seed {rule.Seed}");
    }

    private static Command List(ToolTerminal terminal)
    {
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("list", "Shows the faults in force.") { json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var faults = await client.GetFaultsAsync(cancellationToken);
            if (parsed.GetValue(json)) await terminal.Out.WriteLineAsync(JsonOutput.Document(faults));
            else if (faults.Length == 0) await terminal.Out.WriteLineAsync("no faults");
            else terminal.Console.Write(Table(faults, await client.GetFaultTalliesAsync(cancellationToken), terminal.Time.GetUtcNow()));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Spectre.Console.Table Table(FaultRule[] faults, FaultTally[] tallies, DateTimeOffset now)
    {
        var table = Tables.Create("id", "fault", "side", "fires", "left");
        foreach (var fault in faults)
        {
            var fires = tallies.Where(t => t.Fault == fault.Id).Sum(t => t.Fires).ToString(CultureInfo.InvariantCulture);
            table.Row(fault.Id, Describe(fault), fault.Side.ToString().ToLowerInvariant(), fires, fault.ExpiresAt is null ? "until removed" : Tables.Left(fault.ExpiresAt, now));
        }

        return table;
    }

    private static Command Journal(ToolTerminal terminal)
    {
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("journal", "Shows what each fault decided, request by request; the same bytes for the same seed.") { json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var tallies = await client.GetFaultTalliesAsync(cancellationToken);
            if (parsed.GetValue(json)) await terminal.Out.WriteLineAsync(JsonOutput.Document(tallies));
            else foreach (var tally in tallies) await terminal.Out.WriteAsync(tally.Journal());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Remove(ToolTerminal terminal)
    {
        var id = new Argument<string>("id") { Description = "The fault's id." };
        var mesh = new MeshOption(terminal);
        var command = new Command("remove", "Removes one fault.") { id };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            await client.RemoveFaultAsync(parsed.GetRequiredValue(id), cancellationToken);
            await terminal.Out.WriteLineAsync($"removed {parsed.GetRequiredValue(id)}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Clear(ToolTerminal terminal)
    {
        var mesh = new MeshOption(terminal);
        var command = new Command("clear", "Removes every fault.");
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            await client.RemoveFaultAsync(null, cancellationToken);
            await terminal.Out.WriteLineAsync("no faults");
            return ExitCodes.Ok;
        });
        return command;
    }
}
