using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Faults.Bytes;

/// <summary>An HTTP/1.1 upgrade whose stream goes through faults.</summary>
internal sealed class ShapedUpgrade(IHttpUpgradeFeature inner, Func<Stream, Stream> shape) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync() => shape(await inner.UpgradeAsync());
}

/// <summary>An extended CONNECT (RFC 8441) whose stream goes through faults.</summary>
internal sealed class ShapedConnect(IHttpExtendedConnectFeature inner, Func<Stream, Stream> shape) : IHttpExtendedConnectFeature
{
    public bool IsExtendedConnect => inner.IsExtendedConnect;

    public string? Protocol => inner.Protocol;

    public async ValueTask<Stream> AcceptAsync() => shape(await inner.AcceptAsync());
}
