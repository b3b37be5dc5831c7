using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>The values that hold for the whole mesh.</summary>
internal sealed class MeshRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems)
    {
        var subject = $"Mesh '{model.Name}'";
        problems.Defined(subject, "Mtls", model.Mtls);
        problems.Defined(subject, "UndeclaredEgress", model.UndeclaredEgress);
        foreach (var workload in model.Workloads)
        {
            foreach (var sidecar in workload.Sidecars) problems.Range($"Sidecar '{sidecar.Instance}'", "Weight", sidecar.Weight, 0, 1_000_000);
            foreach (var endpoint in workload.Endpoints) problems.Defined($"Endpoint '{workload.Name}.{endpoint.Name}'", "Protocol", endpoint.Protocol);
        }
        foreach (var external in model.ExternalServices) problems.Defined($"External service '{external.Name}'", "Protocol", external.Protocol);
        if (!TrustDomain.TryParse(model.TrustDomain, out var trustDomain, out var error))
        {
            problems.Add(MeshDiagnostics.BadTrustDomain, $"{subject}: {error}. Write .WithTrustDomain(\"shop.mesh\").");
        }
        else if (!SpiffeId.TryParse($"spiffe://{trustDomain.Name}/ns/{model.Namespace}", out _, out error))
        {
            problems.Add(MeshDiagnostics.BadTrustDomain, $"{subject}: the namespace '{model.Namespace}' cannot be used ({error}). Write letters, digits, '.', '-' and '_'.");
        }
        problems.Range(subject, "SvidLifetime", model.SvidLifetime, TimeSpan.FromSeconds(2), TimeSpan.FromDays(30));
        problems.Range(subject, "DrainTime", model.DrainTime, TimeSpan.Zero, TimeSpan.FromHours(1));
    }
}
