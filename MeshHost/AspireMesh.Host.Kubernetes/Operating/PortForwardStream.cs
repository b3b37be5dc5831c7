using System.Net.WebSockets;
using System.Text;

namespace AspireMesh.Host.Kubernetes.Operating;

/// <summary>
/// One forwarded port over a WebSocket as a stream: each message begins with its channel (0 data, 1 errors), and the first two bytes of each channel are the port.
/// </summary>
internal sealed class PortForwardStream(WebSocket socket) : Stream
{
    public const string Protocol = "v4.channel.k8s.io";

    private readonly byte[] _buffer = new byte[32 * 1024];
    private readonly int[] _skip = [2, 2];
    private readonly StringBuilder _error = new();
    private ReadOnlyMemory<byte> _left;
    private bool _inMessage;
    private byte _channel;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return 0;
        while (_left.IsEmpty)
        {
            if (!await ReceiveAsync(cancellationToken)) return _error.Length == 0 ? 0 : throw new IOException(_error.ToString());
        }
        var count = Math.Min(buffer.Length, _left.Length);
        _left[..count].CopyTo(buffer);
        _left = _left[count..];
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        byte[] message = [0, .. buffer.Span];
        await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) socket.Dispose();
        base.Dispose(disposing);
    }

    // False at the end.
    private async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        var received = await socket.ReceiveAsync(_buffer.AsMemory(), cancellationToken);
        if (received.MessageType == WebSocketMessageType.Close) return false;
        ReadOnlyMemory<byte> data = _buffer.AsMemory(0, received.Count);
        if (!_inMessage && !data.IsEmpty)
        {
            _channel = data.Span[0];
            data = data[1..];
        }
        _inMessage = !received.EndOfMessage;
        if (_channel > 1) return true;
        var skipped = Math.Min(_skip[_channel], data.Length);
        _skip[_channel] -= skipped;
        data = data[skipped..];
        if (_channel == 0) _left = data;
        else _error.Append(Encoding.UTF8.GetString(data.Span));
        return _channel == 0 || _error.Length == 0;
    }
}
