using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Runtime;

/// <summary>What a sidecar is put together from. SidecarComposition has the real ones; a test replaces the control plane's part.</summary>
internal sealed class SidecarParts
{
    /// <summary>Where the identity comes from; the control link itself where there is one.</summary>
    public required ISvidSource Svids { get; init; }

    /// <summary>Null where snapshots are handed in directly.</summary>
    public IControlLink? Control { get; init; }

    public required IMeshEvents Events { get; init; }

    /// <summary>Where everything logs to; null for the options' own.</summary>
    public ILoggerFactory? Loggers { get; init; }

    /// <summary>Makes the HTTP pipeline around the dialer.</summary>
    public required Func<PipelineServices, IHttpPipeline> Pipeline { get; init; }

    /// <summary>Makes the admin surface; null for none.</summary>
    public Func<SidecarState, IAdminHandler>? Admin { get; init; }
}

/// <summary>What the HTTP pipeline gets from the sidecar.</summary>
/// <param name="Bootstrap">Who the sidecar is.</param>
/// <param name="TrustDomain">Its mesh.</param>
/// <param name="Dialer">Opens streams.</param>
/// <param name="Events">Counts and traces.</param>
/// <param name="Time">The clock.</param>
/// <param name="Loggers">Logs.</param>
/// <param name="Seed">The source of chance.</param>
/// <param name="Renew">Asks for a new SVID; null where there is no control plane.</param>
/// <param name="Drain">Leaves the tunnel connections that there are, both ways.</param>
internal sealed record PipelineServices(
    SidecarBootstrap Bootstrap, TrustDomain TrustDomain, ITunnelDialer Dialer, IMeshEvents Events, TimeProvider Time, ILoggerFactory Loggers, int Seed, Action? Renew = null, Action? Drain = null)
{
    /// <summary>Cancelled when the sidecar begins to stop: long streams that can be told are told.</summary>
    public CancellationToken Stopping { get; init; }
}
