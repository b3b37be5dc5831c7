using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Admin;
using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Pipeline;
using AspireMesh.Proxy.Telemetry;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Puts the real parts of a sidecar together: control client, telemetry, admin surface, HTTP pipeline.</summary>
internal static class SidecarComposition
{
    /// <summary>The parts of a sidecar with a control plane.</summary>
    /// <exception cref="MeshValidationException">The bootstrap cannot be used; carries every reason.</exception>
    public static SidecarParts Create(SidecarBootstrap bootstrap, MeshSidecarOptions options)
    {
        var problems = BootstrapChecks.Check(bootstrap);
        if (!problems.IsEmpty) throw new MeshValidationException(problems);
        var identity = new IdentityGauges();
        var telemetry = new SidecarTelemetry(bootstrap, options, identity);
        var uplink = new Uplink(telemetry.Events.Statistics, telemetry.Taps, options.TimeProvider);
        var control = new MeshControlClient(bootstrap, uplink, options.TimeProvider, options.Seed, telemetry.Loggers.CreateLogger("AspireMesh.Proxy.Control"));
        identity.Client = control;
        return new SidecarParts
        {
            Svids = control,
            Control = control,
            Events = telemetry.Events,
            Loggers = telemetry.Loggers,
            Pipeline = services => new TrafficPipeline(services),
            Admin = state => new AdminHandler(state, new Readiness(state, () => control.State, options.TimeProvider), telemetry.Metrics),
        };
    }
}
