using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Policy.Rules;

/// <summary>Every value of the callee's policies lies in its range, and policies fit what its endpoints carry.</summary>
internal sealed class InboundPoliciesRule : IModelRule
{
    public void Check(MeshModel model, ProblemList problems)
    {
        foreach (var workload in model.Workloads)
        {
            var subject = $"Workload '{workload.Name}'";
            var inbound = workload.Inbound;
            InboundPolicyChecks.Check(inbound.Jwt, subject, problems);
            InboundPolicyChecks.Check(inbound.RateLimits, subject, problems);
            InboundPolicyChecks.Check(inbound.LoadShedding, subject, problems);
            InboundPolicyChecks.Check(inbound.Authorization, inbound.Jwt is not null, subject, problems);
            foreach (var caller in inbound.Authorization.SelectMany(r => r.Callers).Where(c => c.Contains("://")))
            {
                if (!SpiffeId.TryParse(caller, out _, out var error)) problems.Add(MeshDiagnostics.BadName, $"{subject}: the caller '{caller}' cannot be used ({error}). Write a workload's name or a SPIFFE ID.");
            }
            if (workload.Endpoints.Length > 0 && workload.Endpoints.All(e => e.Protocol == AppProtocol.Tcp)) CheckOpaque(inbound, subject, problems);
            foreach (var rule in inbound.Authorization.Where(r => r.NeedsRequest))
            {
                foreach (var endpoint in workload.Endpoints.Where(e => e.Protocol == AppProtocol.Tcp && rule.Endpoints.Contains(e.Name)))
                {
                    problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}, rule '{rule.Name}': the endpoint '{endpoint.Name}' carries opaque TCP, so requests and claims cannot be looked at. Leave them out.");
                }
            }
        }
    }

    private static void CheckOpaque(InboundPolicies inbound, string subject, ProblemList problems)
    {
        void Refuse(bool set, string name)
        {
            if (set) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject} carries opaque TCP only, which {name} cannot work on. Leave it out.");
        }
        Refuse(inbound.Jwt is not null, "a JWT policy");
        Refuse(inbound.RateLimits.Length > 0, "a rate limit");
        Refuse(inbound.LoadShedding is not null, "load shedding");
        Refuse(inbound.IdentityHeader, "an identity header");
    }
}
