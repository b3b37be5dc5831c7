using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Every listener has an address of its own. Sidecars whose inbound listeners share a host stand on one machine; others have ports of their own.</summary>
internal sealed class AddressesRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems)
    {
        var taken = new Dictionary<(string Machine, int Port), List<(string Host, string Subject)>>();
        var edges = model.Edges.ToLookup(e => e.From);
        var gateways = model.Gateways.ToLookup(g => g.Workload);
        foreach (var workload in model.Workloads)
        {
            if (workload.Sidecars.IsEmpty && !model.SidecarsComeAndGo)
            {
                problems.Add(MeshDiagnostics.NoSidecar, $"Workload '{workload.Name}' has no sidecar. Give it one, or leave it out of the mesh with .WithoutMesh(\"reason\").");
            }
            foreach (var (sidecar, first) in workload.Sidecars.Select((s, i) => (s, i == 0)))
            {
                HostPort.TryParse(sidecar.Inbound, out var inbound);
                var machine = sidecar.Address is null ? inbound?.Host ?? "" : $"pod {sidecar.Instance}";
                void Take(string address, string subject) => Claim(machine, address, subject, taken, problems);
                Take(sidecar.Inbound, $"Sidecar '{sidecar.Instance}', inbound listener");
                if (sidecar.Address is { Length: > 0 } address && (!HostPort.TryParse(address, out var reached) || reached.Port == 0))
                {
                    problems.Add(MeshDiagnostics.BadAddress, $"Sidecar '{sidecar.Instance}': the address '{address}' cannot be used. Write host:port, for example 10.0.0.5:15006.");
                }
                if (sidecar.Egress is { } egress) Take(egress, $"Sidecar '{sidecar.Instance}', egress listener");
                else if (model.UndeclaredEgress != EgressMode.Unwatched) problems.Add(MeshDiagnostics.NoSidecar, $"Sidecar '{sidecar.Instance}': egress is watched, and its egress listener has no address. Set SidecarModel.Egress, for example 127.0.0.1:15011.");
                Take(sidecar.Admin, $"Sidecar '{sidecar.Instance}', admin listener");
                if (workload.Intercept is { } intercept) Take(intercept, $"Sidecar '{sidecar.Instance}', intercepted connections");
                foreach (var edge in edges[workload.Name])
                {
                    var subject = $"Sidecar '{sidecar.Instance}', outbound listener for '{edge.To}.{edge.Endpoint}'";
                    if (edge.Listen.TryGetValue(sidecar.Instance, out var listen)) Take(listen, subject);
                    else problems.Add(MeshDiagnostics.NoSidecar, $"{subject}: it has no address. Give the edge's Listen an entry for '{sidecar.Instance}'.");
                }
                if (!first) continue;
                foreach (var gateway in gateways[workload.Name]) Take(gateway.Listen, $"Gateway '{gateway.Name}'");
            }
        }
        foreach (var external in model.ExternalServices)
        {
            problems.Range($"External service '{external.Name}'", "Port", external.Port, 1, 65535);
            if (external.TrustedRoots is { } roots && !HasCertificate(roots))
            {
                problems.Add(MeshDiagnostics.BadCertificate, $"External service '{external.Name}': its trusted roots hold no certificate. Give them as PEM, or leave them out to trust the system's.");
            }
        }
    }

    private static bool HasCertificate(string pem)
    {
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(pem);
            return roots.Count > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static void Claim(string machine, string address, string subject, Dictionary<(string Machine, int Port), List<(string Host, string Subject)>> taken, ProblemList problems)
    {
        if (!HostPort.TryParse(address, out var parsed) || parsed.Port == 0)
        {
            problems.Add(MeshDiagnostics.BadAddress, $"{subject}: the address '{address}' cannot be used. Write host:port, for example 127.0.0.1:8080.");
            return;
        }
        if (!taken.TryGetValue((machine, parsed.Port), out var others)) taken[(machine, parsed.Port)] = others = [];
        foreach (var other in others)
        {
            if (other.Host != parsed.Host && !IsWildcard(other.Host) && !IsWildcard(parsed.Host)) continue;
            problems.Add(MeshDiagnostics.PortConflict, $"{subject} wants {address}, which {other.Subject} has. Give one of them another port.");
        }
        others.Add((parsed.Host, subject));
    }

    private static bool IsWildcard(string host) => host is "0.0.0.0" or "[::]" or "::" or "*";
}
