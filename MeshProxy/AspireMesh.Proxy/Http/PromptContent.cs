using System.Net;
using System.Runtime.ExceptionServices;
using System.Text;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// A request's content that is sent as it comes, and once. HttpClient keeps what is written until its buffer is full or the content ends, and YARP flushes for gRPC alone: a
/// part of an upload would reach the app with the next part, and an app that answers part by part would wait for ever. Where the peer says that it processed nothing, HttpClient
/// sends the headers again and asks the content for a second beginning, which YARP's cannot give: the app would see a request that breaks off. Who kept the body, and may send it
/// again, is told by a <see cref="RefusedStreamException"/> instead.
/// </summary>
internal sealed class PromptContent : HttpContent
{
    private static readonly byte[] s_any = [0];
    private readonly HttpContent _inner;
    private readonly bool _flushes;
    private readonly bool _http2;
    private bool _begun;

    private PromptContent(HttpContent inner, HttpRequestMessage request)
    {
        (_inner, _flushes, _http2) = (inner, !IsGrpc(inner), request.Version.Major >= 2);
        foreach (var (name, values) in inner.Headers.NonValidated) Headers.TryAddWithoutValidation(name, values);
    }

    /// <summary>Puts it around a request's content, where there is one that comes in parts; what somebody else flushes is left to them.</summary>
    public static void Wrap(HttpRequestMessage request)
    {
        if (request.Content is not { } content || content is ByteArrayContent) return;
        request.Content = new PromptContent(content, request);
    }

    private static bool IsGrpc(HttpContent content) =>
        content.Headers.NonValidated.TryGetValues("Content-Type", out var types) && types.ToString().StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    /// <summary>How values of headers are written, byte by byte. HttpClient asks whenever it writes a request's headers, which makes this the place to keep it from the second time.</summary>
    public static Encoding HeaderEncoding(string name, HttpRequestMessage request) => request.Content is PromptContent { _begun: true } ? throw new RefusedStreamException() : Encoding.Latin1;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (_begun) throw new RefusedStreamException();
        _begun = true;
        var prompt = new PromptStream(stream, Headers.ContentLength ?? long.MaxValue, _flushes);
        await _inner.CopyToAsync(prompt, context, cancellationToken);
        // YARP takes a stream that breaks for the end of the content, and HttpClient would say that some of it is missing: the reason would be lost.
        if (prompt.Refusal is { } refusal) ExceptionDispatchInfo.Throw(refusal);
        // Likewise where the reset came between two writes. On a stream of HTTP/2 that was cancelled a write sends nothing and throws what cancelled it.
        if (_http2 && cancellationToken.IsCancellationRequested && prompt.Left > 0) await stream.WriteAsync(s_any, cancellationToken);
    }

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

    /// <summary>Flushes after each write but the last, which the end of the content flushes anyway. Of what breaks it, a refusal of the stream is the only one that HttpClient gives as its own exception.</summary>
    private sealed class PromptStream(Stream inner, long left, bool flushes) : Stream
    {
        public long Left { get; private set; } = left;

        public HttpRequestException? Refusal { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await inner.WriteAsync(buffer, cancellationToken);
                Left -= buffer.Length;
                if (flushes && Left > 0) await inner.FlushAsync(cancellationToken);
            }
            catch (HttpRequestException e)
            {
                Refusal = e;
                throw;
            }
        }
    }
}
