namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The cluster has no destination for this request or connection.</summary>
internal sealed class NoDestinationsFault : IDiscoveryFault
{
    public FaultStage Stage => FaultStage.Discovery;

    public bool Ends => true;

    public DiscoveryChange Change() => new(NoDestination: true, null, null);
}
