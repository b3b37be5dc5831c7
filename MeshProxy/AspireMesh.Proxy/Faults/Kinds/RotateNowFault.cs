namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Renews this sidecar's SVID while the request is under way: nothing should notice.</summary>
internal sealed class RotateNowFault(Action? renew) : IBeforeFault
{
    public void AddTo(BeforeBuilder strategies) => strategies.Do(() => renew?.Invoke());
}
