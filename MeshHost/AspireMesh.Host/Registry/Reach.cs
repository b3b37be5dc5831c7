using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Registry;

/// <summary>One way from a workload to an endpoint of another: a reference, or what a split, mirror or gateway makes of one.</summary>
/// <param name="From">The caller.</param>
/// <param name="To">The callee.</param>
/// <param name="Endpoint">Its endpoint.</param>
/// <param name="Rule">The name of the Allow rule that follows from it.</param>
internal sealed record Reach(string From, string To, string Endpoint, string Rule)
{
    /// <summary>All ways of a model. Who is not among them is refused by the callee.</summary>
    public static IEnumerable<Reach> Of(MeshModel model)
    {
        foreach (var edge in model.Edges)
        {
            var rule = $"reference:{edge.From}";
            yield return new Reach(edge.From, edge.To, edge.Endpoint, rule);
            foreach (var route in edge.Policies.Routes)
            {
                foreach (var leg in route.Split) yield return new Reach(edge.From, leg.Workload ?? edge.To, leg.Endpoint ?? edge.Endpoint, rule);
                if (route.Mirror is { } copy) yield return new Reach(edge.From, copy.Workload, copy.Endpoint, rule);
            }
            foreach (var leg in edge.Policies.TlsRoutes.SelectMany(r => r.Split)) yield return new Reach(edge.From, leg.Workload ?? edge.To, leg.Endpoint ?? edge.Endpoint, rule);
            if (edge.Policies.Mirror is { } mirror) yield return new Reach(edge.From, mirror.Workload, mirror.Endpoint, rule);
        }
        foreach (var gateway in model.Gateways)
        {
            // A gateway balances over all of its workload's sidecars, so its own sidecar calls the others under the workload's own identity.
            yield return new Reach(gateway.Workload, gateway.Workload, gateway.Endpoint, $"gateway:{gateway.Name}");
            foreach (var leg in gateway.TlsRoutes.SelectMany(r => r.Split)) yield return new Reach(gateway.Workload, leg.Workload ?? gateway.Workload, leg.Endpoint ?? gateway.Endpoint, $"gateway:{gateway.Name}");
            foreach (var route in gateway.Routes) yield return new Reach(gateway.Workload, route.Workload, route.Endpoint, $"gateway:{gateway.Name}");
        }
    }
}
