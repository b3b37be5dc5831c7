using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Answers with a status, or a gRPC code, instead of forwarding. Reads <see cref="Fault.Status"/> and <see cref="Fault.GrpcStatus"/>; 503 when neither is set.</summary>
internal sealed class AbortFault(Fault fault) : IFaultKind
{
    public ValueTask<FaultEffect> BeforeAsync(FaultFiring firing, CancellationToken cancellation) =>
        ValueTask.FromResult(new FaultEffect(false, fault.Status == 0 && fault.GrpcStatus < 0 ? 503 : fault.Status, fault.GrpcStatus, false));
}
