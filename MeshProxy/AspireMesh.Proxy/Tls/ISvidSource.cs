namespace AspireMesh.Proxy.Tls;

/// <summary>Where the sidecar's own identity comes from: the control client, or a fixed one in tests.</summary>
internal interface ISvidSource
{
    /// <summary>The SVID to present; null before the first.</summary>
    Svid? Current { get; }

    /// <summary>Raised after <see cref="Current"/> changed. Connections made with the old one drain.</summary>
    event Action? Changed;
}
