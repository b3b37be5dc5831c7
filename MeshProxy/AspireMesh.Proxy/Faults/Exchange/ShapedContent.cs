using System.Net;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Exchange;

/// <summary>A response's content, read through faults. Also what an upgraded connection is read from.</summary>
internal sealed class ShapedContent : HttpContent
{
    private readonly HttpContent _inner;
    private readonly FiredFaults _faults;
    private readonly MessageFraming _framing;
    private readonly HttpResponseMessage _response;

    public ShapedContent(HttpContent inner, FiredFaults faults, MessageFraming framing, HttpResponseMessage response)
    {
        (_inner, _faults, _framing, _response) = (inner, faults, framing, response);
        var keepsLength = !faults.ChangesLength(request: false);
        foreach (var (name, values) in inner.Headers.NonValidated)
            if (keepsLength || !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) Headers.TryAddWithoutValidation(name, values);
    }

    protected override async Task<Stream> CreateContentReadStreamAsync() => _faults.Shape(await _inner.ReadAsStreamAsync(), request: false, _framing, _response);

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
        _faults.Shape(await _inner.ReadAsStreamAsync(cancellationToken), request: false, _framing, _response);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context) => await (await CreateContentReadStreamAsync()).CopyToAsync(stream);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }
}
