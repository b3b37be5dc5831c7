namespace AspireMesh.Proxy.Faults;

/// <summary>Acts where a destination is to be chosen.</summary>
internal interface IDiscoveryFault : IFaultKind
{
    /// <summary>What is different for this request or connection; the default for nothing.</summary>
    DiscoveryChange Change();
}

/// <summary>What discovery says in place of the truth.</summary>
/// <param name="NoDestination">There is none.</param>
/// <param name="Address">Whatever is chosen is dialled here; null for where it is.</param>
/// <param name="Gone">This one is not there, although it is in the list; null for none.</param>
internal readonly record struct DiscoveryChange(bool NoDestination, string? Address, string? Gone)
{
    /// <summary>The discard port of loopback: nobody listens there.</summary>
    public const string Nobody = "127.0.0.1:9";

    /// <summary>Where to dial in place of a destination's own address; null for there.</summary>
    public string? AddressFor(string destination) => Gone == destination ? Nobody : Address;
}
