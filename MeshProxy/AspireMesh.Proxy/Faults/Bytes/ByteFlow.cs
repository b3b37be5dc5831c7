namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>One direction of bytes that a fault acts on.</summary>
/// <param name="IsRequest">From the caller to the callee.</param>
/// <param name="Framing">How messages are marked in it.</param>
/// <param name="Time">The clock.</param>
/// <param name="Firing">The firing.</param>
/// <param name="Response">The response that the bytes are the body of; null elsewhere.</param>
internal sealed record ByteFlow(bool IsRequest, MessageFraming Framing, TimeProvider Time, FaultFiring Firing, HttpResponseMessage? Response);
