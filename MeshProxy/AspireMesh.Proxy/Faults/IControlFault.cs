namespace AspireMesh.Proxy.Faults;

/// <summary>Acts between this sidecar and the control plane.</summary>
internal interface IControlFault : IFaultKind
{
    /// <summary>What is different for this message or attempt.</summary>
    ControlChange Change();
}

/// <summary>What is different towards the control plane.</summary>
/// <param name="Away">It cannot be reached.</param>
/// <param name="Breaks">The stream there is breaks.</param>
/// <param name="Slow">So late is a message obeyed.</param>
internal readonly record struct ControlChange(bool Away, bool Breaks, TimeSpan Slow)
{
    public ControlChange With(ControlChange other) => new(Away || other.Away, Breaks || other.Breaks, Slow + other.Slow);
}
