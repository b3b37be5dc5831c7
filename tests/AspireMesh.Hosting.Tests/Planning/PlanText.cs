using System.Text;
using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Tests.Planning;

/// <summary>A plan as text, whole, for comparison.</summary>
internal static class PlanText
{
    public static string Of(MeshPlan plan)
    {
        var text = new StringBuilder();
        foreach (var (workload, model) in plan.Workloads.Zip(plan.Model.Workloads))
        {
            var endpoints = model.Endpoints.Zip(workload.Endpoints, (e, a) => $"{e.Name}:{e.Protocol.ToString().ToLowerInvariant()}{(a.App.Name == e.Name ? "" : $"->{a.App.Name}")}{(e.AppTls ? "+tls" : "")}");
            text.Append($"workload {model.Name} [{string.Join(" ", endpoints)}]\n");
            foreach (var (sidecar, row) in model.Sidecars.Zip(workload.Sidecars)) text.Append($"  {row.Name} is {sidecar.Instance} in {sidecar.Inbound} admin {sidecar.Admin}{(sidecar.Egress is null ? "" : $" egress {sidecar.Egress}")}\n");
        }
        foreach (var (edge, model) in plan.Edges.Zip(plan.Model.Edges))
        {
            text.Append($"edge {model.From} -> {model.To}.{model.Endpoint} as {edge.Listener.Text(EndpointProperty.Url)} at {string.Join(" ", model.Listen.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"))}\n");
        }
        foreach (var external in plan.Model.ExternalServices) text.Append($"external {external.Name} {external.Host}:{external.Port}{(external.Tls ? " tls" : "")}\n");
        foreach (var (gateway, model) in plan.Gateways.Zip(plan.Model.Gateways)) text.Append($"gateway {model.Name} -> {model.Workload}.{model.Endpoint} at {gateway.Url} ({model.Listen}){(gateway.TakesPort ? " takes the port" : "")}\n");
        foreach (var warning in plan.Warnings) text.Append($"warning {warning}\n");
        foreach (var error in plan.Errors) text.Append($"error {error}\n");
        return text.ToString();
    }
}
