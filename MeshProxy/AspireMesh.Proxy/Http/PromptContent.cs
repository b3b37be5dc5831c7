using System.Net;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// A request's content that is sent as it comes. HttpClient keeps what is written until its buffer is full or the content ends, and YARP flushes for gRPC alone: a part
/// of an upload would reach the app with the next part, and an app that answers part by part would wait for ever.
/// </summary>
internal sealed class PromptContent : HttpContent
{
    private readonly HttpContent _inner;

    private PromptContent(HttpContent inner)
    {
        _inner = inner;
        foreach (var (name, values) in inner.Headers.NonValidated) Headers.TryAddWithoutValidation(name, values);
    }

    /// <summary>Puts it around a request's content, where there is one that comes in parts and nobody else flushes it.</summary>
    public static void Wrap(HttpRequestMessage request)
    {
        if (request.Content is not { } content || content is ByteArrayContent || IsGrpc(content)) return;
        request.Content = new PromptContent(content);
    }

    private static bool IsGrpc(HttpContent content) =>
        content.Headers.NonValidated.TryGetValues("Content-Type", out var types) && types.ToString().StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _inner.CopyToAsync(new PromptStream(stream, Headers.ContentLength ?? long.MaxValue), context, cancellationToken);

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

    /// <summary>Flushes after each write but the last, which the end of the content flushes anyway.</summary>
    private sealed class PromptStream(Stream inner, long left) : Stream
    {
        private long _left = left;

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
            await inner.WriteAsync(buffer, cancellationToken);
            _left -= buffer.Length;
            if (_left > 0) await inner.FlushAsync(cancellationToken);
        }
    }
}
