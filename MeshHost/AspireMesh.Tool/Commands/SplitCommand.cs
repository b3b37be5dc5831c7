using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh split</c>: moves the weight of one leg of a traffic split.</summary>
internal static class SplitCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var from = new Option<string>("--from") { Description = "The caller.", Required = true };
        var to = new Option<string>("--to") { Description = "The callee.", Required = true };
        var endpoint = new Option<string?>("--endpoint") { Description = "The callee's endpoint, where the caller has several edges to it." };
        var route = new Option<string?>("--route") { Description = "The route, where several have a split." };
        var leg = new Option<string>("--leg") { Description = "A workload, or a label such as version=v2. A workload that no leg leads to yet gets one.", Required = true };
        var percent = new Option<int>("--percent") { Description = "Its share, 0 to 100; the other legs keep their proportion.", Required = true };
        var mesh = new MeshOption(terminal);
        var command = new Command("split", "Moves the weight of one leg of a traffic split, on the running mesh.") { from, to, endpoint, route, leg, percent };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var change = new SplitChange
            {
                From = parsed.GetRequiredValue(from),
                To = parsed.GetRequiredValue(to),
                Endpoint = parsed.GetValue(endpoint),
                Route = parsed.GetValue(route),
                Leg = parsed.GetRequiredValue(leg),
                Percent = parsed.GetRequiredValue(percent),
            };
            using var client = mesh.Connect(parsed);
            await client.MoveSplitAsync(change, cancellationToken);
            foreach (var changed in (await client.GetRoutesAsync(cancellationToken)).Where(r => r.To == change.To && r.Legs.Length > 1))
            {
                var total = changed.Legs.Sum(l => l.Weight);
                await terminal.Out.WriteLineAsync($"{changed.From} -> {changed.To}.{changed.Endpoint} {changed.Route}: {string.Join(", ", changed.Legs.Select(l => $"{l.Cluster} {Tables.Number(100.0 * l.Weight / total, "0.#")} %"))}");
            }
            return ExitCodes.Ok;
        });
        return command;
    }
}
