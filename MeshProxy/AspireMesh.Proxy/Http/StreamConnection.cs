using System.IO.Pipelines;
using System.Net;
using AspireMesh.Proxy.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Http;

/// <summary>A tunnel or TLS stream as Kestrel wants connections to be.</summary>
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
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
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
