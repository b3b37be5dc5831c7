using System.Collections.Immutable;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Host.Policy;

/// <summary>What others may reach at one sidecar, and under which rules.</summary>
internal static class InboundCompiler
{
    public static InboundSnapshot Compile(CompileInput input, WorkloadModel workload, SidecarModel sidecar, ImmutableArray<FaultRule> faults) => new()
    {
        Listen = sidecar.Inbound,
        Endpoints = [.. workload.Endpoints.Select(e => Endpoint(input, workload, sidecar, e, faults))],
    };

    private static InboundEndpoint Endpoint(CompileInput input, WorkloadModel workload, SidecarModel sidecar, EndpointModel endpoint, ImmutableArray<FaultRule> faults)
    {
        var policies = workload.Inbound;
        var http = endpoint.Protocol == AppProtocol.Http;
        var compiled = new InboundEndpoint
        {
            Name = endpoint.Name,
            Protocol = endpoint.Protocol,
            App = input.AppAddress(sidecar, endpoint),
            AppTls = endpoint.AppTls,
            Authorization = Rules(input.Index, workload, endpoint, http),
            AuditOnly = policies.AuditOnly,
            Jwt = http ? policies.Jwt : null,
            RateLimits = http ? policies.RateLimits : [],
            LoadShedding = http ? policies.LoadShedding : null,
            IdentityHeader = http && policies.IdentityHeader,
            Spans = http && policies.Spans,
        };
        return compiled with { WorksOnRequests = http && WorksOnRequests(compiled, faults, workload.Name) };
    }

    // The pipeline costs a second parse of every request, so an endpoint goes through it only when something there needs to see requests.
    private static bool WorksOnRequests(InboundEndpoint endpoint, ImmutableArray<FaultRule> faults, string workload) =>
        // An app that speaks TLS hears "https" in HTTP/2's :scheme only from the pipeline; a spliced stream says "http" and such an app refuses it.
        endpoint.AppTls || endpoint.Jwt is not null || endpoint.LoadShedding is not null || endpoint.IdentityHeader || endpoint.Spans
        || endpoint.RateLimits.Length > 0
        || endpoint.Authorization.Any(r => r.NeedsRequest)
        || faults.Any(f => f.Side == FaultSide.Inbound && !FaultKinds.OnTls.Contains(f.Fault.Kind) && !FaultKinds.OnControl.Contains(f.Fault.Kind) && (f.To ?? workload) == workload && (f.Endpoint ?? endpoint.Name) == endpoint.Name);

    /// <summary>
    /// The user's rules that are about this endpoint, and one Allow rule per caller that has a way here. A caller whom the user lets in for certain
    /// requests or claims only has no rule of its reference as well: that would let everything in and the user's rule would mean nothing.
    /// </summary>
    private static ImmutableArray<AuthorizationRule> Rules(ModelIndex index, WorkloadModel workload, EndpointModel endpoint, bool http)
    {
        var rules = ImmutableArray.CreateBuilder<AuthorizationRule>();
        var narrowed = new HashSet<string>();
        foreach (var rule in workload.Inbound.Authorization)
        {
            if (rule.Endpoints.Length > 0 && !rule.Endpoints.Contains(endpoint.Name)) continue;
            var onRequests = rule.NeedsRequest;
            // On opaque TCP such a rule can never match; an Allow of this kind must not open the endpoint, a Deny must not vanish silently: refused when checked.
            if (onRequests && !http) continue;
            var callers = rule.Callers.Select(c => Complete(index, c)).ToImmutableArray();
            rules.Add(rule with { Callers = callers });
            if (onRequests && rule.Action == AuthorizationAction.Allow) narrowed.UnionWith(callers);
        }
        foreach (var way in index.ReachOf(workload.Name).Where(r => r.Endpoint == endpoint.Name).OrderBy(r => r.Rule, StringComparer.Ordinal))
        {
            var caller = index.Identity(way.From).ToString();
            if (narrowed.Contains(caller)) continue;
            rules.Add(new AuthorizationRule { Name = way.Rule, Action = AuthorizationAction.Allow, Callers = [caller], Endpoints = [endpoint.Name] });
        }
        return rules.ToImmutable();
    }

    private static string Complete(ModelIndex index, string caller) => caller.Contains("://") ? caller : index.Identity(caller).ToString();
}
