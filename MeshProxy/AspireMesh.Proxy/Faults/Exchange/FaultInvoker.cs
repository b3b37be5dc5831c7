using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Exchange;

/// <summary>Stands where the client stands, below the forwarder: exchange faults around the send, byte faults on the response's body.</summary>
internal sealed class FaultInvoker(HttpMessageInvoker client, IExchangeFault[] exchanges, FiredFaults faults, MessageFraming framing) : HttpMessageInvoker(s_nothing, disposeHandler: false)
{
    private static readonly SocketsHttpHandler s_nothing = new();

    public override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (faults.ChangesLength(request: true) && request.Content is { } body) body.Headers.ContentLength = null;
        var response = await SendAsync(request, 0, cancellationToken);
        if (!faults.Acts(request: false)) return response;
        response.Content = new ShapedContent(response.Content, faults, framing, response);
        return response;
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, int index, CancellationToken cancellationToken) =>
        index == exchanges.Length ? client.SendAsync(request, cancellationToken) : exchanges[index].SendAsync(request, (r, c) => SendAsync(r, index + 1, c), cancellationToken);
}
