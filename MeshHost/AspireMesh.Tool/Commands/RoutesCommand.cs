using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh routes</c>: where requests go, route by route.</summary>
internal static class RoutesCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var from = new Option<string?>("--from") { Description = "Only this caller's sidecars; outside for gateways." };
        var to = new Option<string?>("--to") { Description = "Only listeners for this callee, or this gateway." };
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("routes", "Shows where requests go, route by route.") { from, to, json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var all = await client.GetRoutesAsync(cancellationToken);
            var (caller, callee) = (parsed.GetValue(from), parsed.GetValue(to));
            RouteView[] routes = [.. all.Where(r => (caller is null || r.From == caller || r.From.StartsWith(caller + "-", StringComparison.Ordinal)) && (callee is null || r.To == callee))];
            if (parsed.GetValue(json)) await terminal.Out.WriteLineAsync(JsonOutput.Document(routes));
            else Print(routes, terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Print(RouteView[] routes, ToolTerminal terminal)
    {
        var table = Tables.Create("from", "listens on", "to", "route", "match", "policy", "weight", "cluster", "destinations");
        foreach (var route in routes)
        {
            var total = route.Legs.Sum(l => l.Weight);
            foreach (var (leg, first) in route.Legs.Select((l, i) => ((LegView?)l, i == 0)).DefaultIfEmpty((null, true)))
            {
                var share = leg is null || total == 0 ? "-" : $"{Tables.Number(100.0 * leg.Weight / total, "0.#")} %";
                var destinations = leg is null ? "-" : leg.Destinations.Length == 0 ? "none" : string.Join(' ', leg.Destinations);
                if (first) table.Row(route.From, route.Listen, route.Endpoint.Length == 0 ? route.To : $"{route.To}.{route.Endpoint}", route.Route ?? route.Protocol, route.Match.Length == 0 ? "all" : route.Match, route.Policy, share, leg?.Cluster, destinations);
                else table.Row("", "", "", "", "", "", share, leg?.Cluster, destinations);
            }
        }
        terminal.Console.Write(table);
    }
}
