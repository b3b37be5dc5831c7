using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Answers with a status, or a gRPC code, instead of forwarding. Reads <see cref="Fault.Status"/> and <see cref="Fault.GrpcStatus"/>; 503 when neither is set. Breaks opaque connections, which could carry no answer.</summary>
internal sealed class AbortFault(Fault fault) : IBeforeFault
{
    public bool Ends => true;

    public void AddTo(BeforeBuilder strategies) => strategies.End(new FaultEffect(false, fault.Status == 0 && fault.GrpcStatus < 0 ? 503 : fault.Status, fault.GrpcStatus, FaultBreak.None));
}
