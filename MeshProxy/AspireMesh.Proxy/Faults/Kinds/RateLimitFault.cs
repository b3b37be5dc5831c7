using AspireMesh.Protocol.Faults;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Answers 429 with <c>Retry-After</c> (gRPC: RESOURCE_EXHAUSTED). Reads <see cref="Fault.Delay"/>: after what time to come again; 1 s when it is not set.</summary>
internal sealed class RateLimitFault(Fault fault) : IBeforeFault
{
    public bool Ends => true;

    public bool AppliesTo(HttpRequest? request) => request is not null;

    public void AddTo(BeforeBuilder strategies) => strategies.End(new FaultEffect(false, 429, -1, FaultBreak.None, fault.Delay > TimeSpan.Zero ? fault.Delay : TimeSpan.FromSeconds(1)));
}
