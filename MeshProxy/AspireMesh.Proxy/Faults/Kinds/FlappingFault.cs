using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// The destination <see cref="Fault.Name"/> (all, where it is not set) comes and goes: each is half of the period <see cref="Fault.Delay"/>. While it is gone, whoever is sent
/// there finds nobody.
/// </summary>
internal sealed class FlappingFault(Fault fault, TimeProvider time) : IDiscoveryFault
{
    private readonly long _start = time.GetTimestamp();

    public FaultStage Stage => FaultStage.Discovery;

    /// <summary>Gone in the first half, back in the second: the fault shows as soon as it is put on.</summary>
    public DiscoveryChange Change() => time.GetElapsedTime(_start).Ticks % fault.Delay.Ticks >= fault.Delay.Ticks / 2 ? default : fault.Name is null ? new(true, null, null) : new(false, null, fault.Name);
}
