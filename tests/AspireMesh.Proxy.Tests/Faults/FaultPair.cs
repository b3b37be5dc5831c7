using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Pipeline;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>Faults on the edge of a pair of sidecars, put on where they are executed.</summary>
internal static class FaultPair
{
    /// <summary>Waits that a loaded machine does not exceed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static FaultRule Rule(Fault fault, FaultSide side = FaultSide.Outbound) => new() { Id = $"a-{fault.Kind}", To = "api", Fault = fault, Side = side, Seed = 7 };

    public static HttpPairOptions With(this HttpPairOptions options, params FaultRule[] rules)
    {
        var (caller, callee) = (options.Caller, options.Callee);
        return options with { Caller = s => On(caller(s), FaultSide.Outbound, rules), Callee = s => On(callee(s), FaultSide.Inbound, rules) };
    }

    /// <summary>A snapshot with the rules that its side executes, compiled as the control plane does it.</summary>
    public static MeshSnapshot On(MeshSnapshot snapshot, FaultSide side, params FaultRule[] rules)
    {
        FaultRule[] own = [.. rules.Where(r => r.Side == side)];
        return snapshot with
        {
            Faults = [.. own],
            Inbound = snapshot.Inbound with { Endpoints = [.. snapshot.Inbound.Endpoints.Select(e => e with { WorksOnRequests = e.WorksOnRequests || (side == FaultSide.Inbound && own.Length > 0 && e.Name == "http") })] },
        };
    }
}
