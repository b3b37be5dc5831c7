using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh status</c>: every sidecar and every edge.</summary>
internal static class StatusCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("status", "Shows every sidecar and every edge.") { json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var status = await client.GetStatusAsync(cancellationToken);
            if (parsed.GetValue(json)) await terminal.Out.WriteLineAsync(JsonOutput.Document(status));
            else Print(status, terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Print(MeshStatus status, ToolTerminal terminal)
    {
        terminal.Out.WriteLine($"trust domain {status.TrustDomain}, mTLS {status.Mtls}");
        var now = terminal.Time.GetUtcNow();
        var workloads = Tables.Create("sidecar", "healthy", "identity", "inbound", "snapshot", "SVID left");
        foreach (var w in status.Workloads) workloads.Row(w.Name, Tables.YesNo(w.Healthy), w.Identity, w.Inbound, $"{w.Snapshot}", Tables.Left(w.SvidExpires, now));
        terminal.Console.Write(workloads);
        var edges = Tables.Create("from", "to", "endpoint", "protocol", "outbound", "mTLS", "requests", "failures", "p50 ms", "p99 ms");
        foreach (var e in status.Edges)
        {
            edges.Row(e.From, e.To, e.Endpoint, e.Protocol, e.Outbound, Tables.YesNo(e.Mtls), $"{e.Requests}", $"{e.Failures}", Tables.Ms(e.P50Ms), Tables.Ms(e.P99Ms));
        }
        terminal.Console.Write(edges);
        foreach (var problem in status.Workloads.SelectMany(w => w.Problems)) terminal.Out.WriteLine(problem);
    }
}
