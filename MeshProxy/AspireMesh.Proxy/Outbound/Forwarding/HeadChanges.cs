using System.Diagnostics;

namespace AspireMesh.Proxy.Outbound.Forwarding;

/// <summary>What an attempt sends in place of what the caller sent; the same for whichever forwarder sends it.</summary>
/// <param name="Target">The request target, in origin form.</param>
/// <param name="Host">The Host field; null for the caller's.</param>
/// <param name="WithoutHops">The count of passes stays inside the mesh.</param>
/// <param name="Trace">The attempt's span; default to leave the caller's context as it came.</param>
/// <param name="GrpcTimeout">What is left of the caller's <c>grpc-timeout</c>; null for none.</param>
internal readonly record struct HeadChanges(string Target, string? Host, bool WithoutHops, ActivityContext Trace, string? GrpcTimeout);
