namespace AspireMesh.Proxy.Runtime;

/// <summary>The runtime in force. Read once per request or connection; replaced by one write.</summary>
internal sealed class RuntimeHolder
{
    private volatile SidecarRuntime? _current;

    /// <summary>The runtime in force.</summary>
    /// <exception cref="InvalidOperationException">No snapshot was applied yet; listeners open only after the first.</exception>
    public SidecarRuntime Current => _current ?? throw new InvalidOperationException("the sidecar has no snapshot yet");

    /// <summary>Likewise; null before the first snapshot.</summary>
    public SidecarRuntime? CurrentOrNull => _current;

    public void Replace(SidecarRuntime runtime) => _current = runtime;
}
