using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;
using Spectre.Console;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh stat</c>: rate, success and latency by edge over the last 30 seconds.</summary>
internal static class StatCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Command Create(ToolTerminal terminal)
    {
        var watch = new Option<bool>("--watch", "-w") { Description = "Show it anew every second until Ctrl+C; with --json, one line each time." };
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("stat", "Shows rate, success and latency by edge over the last 30 seconds.") { watch, json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var asJson = parsed.GetValue(json);
            if (!parsed.GetValue(watch))
            {
                var rows = await client.GetStatAsync(cancellationToken);
                if (asJson) await terminal.Out.WriteLineAsync(JsonOutput.Document(rows));
                else terminal.Console.Write(Table(rows));
                return ExitCodes.Ok;
            }
            while (!cancellationToken.IsCancellationRequested)
            {
                var rows = await client.GetStatAsync(cancellationToken);
                if (asJson) await terminal.Out.WriteLineAsync(JsonOutput.OneLine(rows));
                else Show(rows, terminal);
                await Task.Delay(Pause, terminal.Time, cancellationToken);
            }
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(StatRow[] rows, ToolTerminal terminal)
    {
        if (terminal.Console.Profile.Capabilities.Ansi) terminal.Console.Clear(home: true);
        terminal.Console.Write(Table(rows));
    }

    private static Table Table(StatRow[] rows)
    {
        var table = Tables.Create("from", "to", "endpoint", "per s", "success %", "p50 ms", "p95 ms", "p99 ms", "requests", "failures", "attempts", "mTLS");
        foreach (var row in rows)
        {
            table.Row(row.From, row.To, row.Endpoint, Tables.Number(row.PerSecond), Tables.Number(row.SuccessPercent, "0.00"), Tables.Ms(row.P50Ms), Tables.Ms(row.P95Ms), Tables.Ms(row.P99Ms),
                $"{row.Requests}", $"{row.Failures}", $"{row.Attempts}", Tables.YesNo(row.Mtls));
        }
        return table;
    }
}
