using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using AspireMesh.Proxy.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// A tunnel or TLS stream as Kestrel wants connections to be. Where the stream cannot say by itself that its other end has gone, it is read ahead: Kestrel reads nothing
/// while it waits for an answer to a request of HTTP/1.x, and its own sockets tell it of the end meanwhile.
/// </summary>
internal sealed class StreamConnection : ConnectionContext, IDuplexPipe
{
    private readonly HalfCloseStream _stream;
    private readonly CancellationTokenSource _closed;

    public StreamConnection(HalfCloseStream stream, string id)
    {
        _stream = stream;
        ConnectionId = id;
        Transport = this;
        _closed = CancellationTokenSource.CreateLinkedTokenSource(stream.Aborted);
        ConnectionClosed = _closed.Token;
        if (stream.Aborted.CanBeCanceled)
        {
            Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
        }
        else
        {
            var ahead = new Pipe(new PipeOptions(useSynchronizationContext: false));
            Input = ahead.Reader;
            _ = ReadAheadAsync(ahead.Writer);
        }
        Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    // Kestrel learns from the token that a connection is over, and only then cancels the request that it waits for. A stream that was ended here does not say so by itself.
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _stream.Reset();
        _ = CloseAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await Input.CompleteAsync();
        try
        {
            await Output.CompleteAsync();
            await _stream.CloseWriteAsync(CancellationToken.None);
            _stream.Finish();
        }
        catch (IOException)
        {
            // The other end broke it first.
            _stream.Reset();
        }
        _closed.Dispose();
    }

    private async Task ReadAheadAsync(PipeWriter into)
    {
        Exception? broke = null;
        try
        {
            while (true)
            {
                // No buffer is held while nothing comes: most connections wait most of the time.
                _ = await _stream.ReadAsync(Memory<byte>.Empty);
                var read = await _stream.ReadAsync(into.GetMemory());
                if (read == 0) break;
                into.Advance(read);
                if ((await into.FlushAsync()).IsCompleted) break;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            broke = new ConnectionResetException("the other end broke the connection", e);
        }
        await into.CompleteAsync(broke);
        await CloseAsync();
    }

    private async Task CloseAsync()
    {
        try
        {
            await _closed.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It was just let go of in order.
        }
    }
}
