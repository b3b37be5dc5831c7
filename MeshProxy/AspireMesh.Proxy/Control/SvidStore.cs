using AspireMesh.Proxy.Tls;

namespace AspireMesh.Proxy.Control;

/// <summary>The SVID in force, as the control client keeps it.</summary>
internal sealed class SvidStore : ISvidSource
{
    private volatile Svid? _current;

    /// <inheritdoc/>
    public Svid? Current => _current;

    /// <inheritdoc/>
    public event Action? Changed;

    /// <summary>Puts a new SVID in force.</summary>
    public void Replace(Svid svid)
    {
        _current = svid;
        Changed?.Invoke();
    }
}
