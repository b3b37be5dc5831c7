using System.Collections.Frozen;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Kinds;

namespace AspireMesh.Proxy.Faults;

/// <summary>Kind names to their makers. A snapshot that names another kind is refused with a nack before it gets here.</summary>
internal static class FaultKindTable
{
    private static readonly FrozenDictionary<string, Func<Fault, FaultServices, IFaultKind>> s_makers = new Dictionary<string, Func<Fault, FaultServices, IFaultKind>>
    {
        [FaultKinds.Abort] = static (fault, _) => new AbortFault(fault),
        [FaultKinds.Delay] = static (fault, _) => new DelayFault(fault),
        [FaultKinds.RateLimit] = static (fault, _) => new RateLimitFault(fault),
        [FaultKinds.Throttle] = static (fault, _) => new PaceFault(fault),
        [FaultKinds.Truncate] = static (fault, _) => new CutFault(fault),
        [FaultKinds.Corrupt] = static (fault, _) => new CorruptFault(fault),
        [FaultKinds.Duplicate] = static (fault, _) => new DuplicateFault(fault),
        [FaultKinds.ReplaceBody] = static (fault, _) => new ReplaceBodyFault(fault),
        [FaultKinds.PatchBody] = static (fault, _) => new PatchBodyFault(fault),
        [FaultKinds.StaleCache] = static (_, services) => new StaleCacheFault(services.Time),
        [FaultKinds.KeyCollision] = static (fault, _) => new KeyCollisionFault(fault),
        [FaultKinds.Replay] = static (_, _) => new ReplayFault(),
        [FaultKinds.DropResponse] = static (_, _) => new DropResponseFault(),
        [FaultKinds.Header] = static (fault, _) => new HeaderFault(fault),
        [FaultKinds.LoseTrailers] = static (_, _) => new LoseTrailersFault(),
        [FaultKinds.Reset] = static (fault, _) => new ResetFault(fault),
        [FaultKinds.Refuse] = static (_, _) => new RefuseFault(),
        [FaultKinds.BlackHole] = static (fault, _) => new BlackHoleFault(fault),
        [FaultKinds.Hang] = static (_, services) => new HangFault(services.Time),
        [FaultKinds.HalfClose] = static (fault, _) => new HalfCloseFault(fault),
        [FaultKinds.SlowClose] = static (fault, _) => new SlowCloseFault(fault),
        [FaultKinds.Slicer] = static (fault, _) => new SlicerFault(fault),
        [FaultKinds.ByteLimit] = static (fault, _) => new CutFault(fault),
        [FaultKinds.Bandwidth] = static (fault, _) => new PaceFault(fault),
        [FaultKinds.Drain] = static (_, services) => new DrainFault(services.Drain),
        [FaultKinds.StreamStall] = static (fault, _) => new StreamStallFault(fault),
        [FaultKinds.StreamClose] = static (fault, _) => new StreamCloseFault(fault),
        [FaultKinds.StreamDrop] = static (fault, _) => new StreamDropFault(fault),
        [FaultKinds.StreamDuplicate] = static (fault, _) => new StreamDuplicateFault(fault),
        [FaultKinds.StreamReorder] = static (fault, _) => new StreamReorderFault(fault),
        [FaultKinds.NoDestinations] = static (_, _) => new NoDestinationsFault(),
        [FaultKinds.StaleDestinations] = static (fault, _) => new StaleDestinationsFault(fault),
        [FaultKinds.Flapping] = static (fault, services) => new FlappingFault(fault, services.Time),
        [FaultKinds.ExpiredCertificate] = static (_, _) => new ExpiredCertificateFault(),
        [FaultKinds.FutureCertificate] = static (_, _) => new FutureCertificateFault(),
        [FaultKinds.WrongTrustDomain] = static (fault, _) => new WrongTrustDomainFault(fault),
        [FaultKinds.TwoSans] = static (_, _) => new TwoSansFault(),
        [FaultKinds.NoCertificate] = static (_, _) => new NoCertificateFault(),
        [FaultKinds.Downgrade] = static (_, _) => new DowngradeFault(),
        [FaultKinds.ClockSkew] = static (fault, _) => new ClockSkewFault(fault),
        [FaultKinds.RotateNow] = static (_, services) => new RotateNowFault(services.Renew),
        [FaultKinds.ControlDisconnect] = static (_, _) => new ControlDisconnectFault(),
        [FaultKinds.ControlSlow] = static (fault, _) => new ControlSlowFault(fault),
        [FaultKinds.ControlRefuse] = static (_, _) => new ControlRefuseFault(),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Knows(string kind) => s_makers.ContainsKey(kind);

    public static IFaultKind Create(Fault fault, FaultServices services) => s_makers[fault.Kind](fault, services);
}
