using System.Collections.Frozen;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Kinds;

namespace AspireMesh.Proxy.Faults;

/// <summary>One kind of fault with its settings. To add one: a constant in <see cref="FaultKinds"/>, a file in Kinds, a line in <see cref="FaultKindTable"/>.</summary>
internal interface IFaultKind
{
    /// <summary>Acts before the request is forwarded, or before the connection is opened.</summary>
    ValueTask<FaultEffect> BeforeAsync(FaultFiring firing, CancellationToken cancellation);
}

/// <summary>Kind names to their makers. A snapshot that names another kind is refused with a nack before it gets here.</summary>
internal static class FaultKindTable
{
    private static readonly FrozenDictionary<string, Func<Fault, TimeProvider, IFaultKind>> s_makers = new Dictionary<string, Func<Fault, TimeProvider, IFaultKind>>
    {
        [FaultKinds.Abort] = static (fault, _) => new AbortFault(fault),
        [FaultKinds.Delay] = static (fault, time) => new DelayFault(fault, time),
        [FaultKinds.Reset] = static (_, _) => new ResetFault(),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Knows(string kind) => s_makers.ContainsKey(kind);

    public static IFaultKind Create(Fault fault, TimeProvider time) => s_makers[fault.Kind](fault, time);
}
