using AspireMesh.Protocol.Admin;

namespace AspireMesh.Proxy.Control;

/// <summary>Where the sidecar's reports come from.</summary>
internal interface IReportSource
{
    /// <summary>The next report; null when nothing changed since the last one.</summary>
    SidecarReport? Take();

    /// <summary>Lets the next report through whether or not anything changed: a control plane that was away has none.</summary>
    void Forget();
}
