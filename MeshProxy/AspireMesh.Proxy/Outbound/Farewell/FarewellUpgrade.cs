using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Outbound.Farewell;

/// <summary>Stands in for the features with which a request becomes a two-way stream, so that a WebSocket is told when its sidecars go away.</summary>
internal sealed class FarewellUpgrade(IHttpUpgradeFeature? upgrade, IHttpExtendedConnectFeature? connect, CancellationToken own, CancellationToken callees)
    : IHttpUpgradeFeature, IHttpExtendedConnectFeature
{
    private const string WebSocket = "websocket";

    private IHttpUpgradeFeature? Upgrade => upgrade;

    private IHttpExtendedConnectFeature? Connect => connect;

    bool IHttpUpgradeFeature.IsUpgradableRequest => upgrade?.IsUpgradableRequest == true;

    bool IHttpExtendedConnectFeature.IsExtendedConnect => connect?.IsExtendedConnect == true;

    string? IHttpExtendedConnectFeature.Protocol => connect?.Protocol;

    /// <summary>Prepares a request that asks for a WebSocket; others are left as they are.</summary>
    /// <param name="context">The request.</param>
    /// <param name="own">Cancelled when this sidecar goes away.</param>
    /// <param name="callees">Cancelled when the callee's does.</param>
    public static void Attach(HttpContext context, CancellationToken own, CancellationToken callees)
    {
        var features = context.Features;
        var upgrade = features.Get<IHttpUpgradeFeature>();
        var connect = features.Get<IHttpExtendedConnectFeature>();
        // An attempt before this one, at another destination.
        if (upgrade is FarewellUpgrade before) upgrade = before.Upgrade;
        if (connect is FarewellUpgrade beforehand) connect = beforehand.Connect;
        if (upgrade?.IsUpgradableRequest == true && string.Equals(context.Request.Headers.Upgrade, WebSocket, StringComparison.OrdinalIgnoreCase))
        {
            features.Set<IHttpUpgradeFeature>(new FarewellUpgrade(upgrade, null, own, callees));
        }
        else if (connect is { IsExtendedConnect: true } && string.Equals(connect.Protocol, WebSocket, StringComparison.OrdinalIgnoreCase))
        {
            features.Set<IHttpExtendedConnectFeature>(new FarewellUpgrade(null, connect, own, callees));
        }
    }

    async Task<Stream> IHttpUpgradeFeature.UpgradeAsync() => new FarewellStream(await upgrade!.UpgradeAsync(), own, callees);

    async ValueTask<Stream> IHttpExtendedConnectFeature.AcceptAsync() => new FarewellStream(await connect!.AcceptAsync(), own, callees);
}
