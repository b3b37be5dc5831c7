namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>This sidecar leaves its tunnel connections, both ways, as it does before it stops: what is under way finishes on them, what comes next takes new ones. Nothing should notice.</summary>
internal sealed class DrainFault(Action? drain) : IBeforeFault
{
    public void AddTo(BeforeBuilder strategies) => strategies.Do(() => drain?.Invoke());
}
