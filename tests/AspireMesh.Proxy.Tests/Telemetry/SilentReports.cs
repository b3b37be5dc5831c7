using AspireMesh.Protocol.Admin;
using AspireMesh.Proxy.Control;

namespace AspireMesh.Proxy.Tests.Telemetry;

/// <summary>Nothing to report.</summary>
internal sealed class SilentReports : IReportSource
{
    public SidecarReport? Take() => null;

    public void Forget()
    {
    }
}
