using System.Runtime.CompilerServices;
using System.Text;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>One HTTP/1.1 connection to a destination: a stream, and buffers that it holds only while a request is on it.</summary>
/// <param name="stream">The stream.</param>
/// <param name="now">When it was opened.</param>
internal sealed class Http1Connection(HalfCloseStream stream, long now)
{
    private const int SmallestRead = 1024;

    private PooledBytes _read;
    private PooledBytes _write;
    private int _looked;

    /// <summary>When it was opened.</summary>
    public long Opened { get; } = now;

    /// <summary>When it was last put away.</summary>
    public long PutAway { get; set; }

    /// <summary>Whether it can be used again: nothing has come since the last answer, and it was neither ended nor broken.</summary>
    public bool IsQuiet => stream.IsQuiet;

    /// <summary>The head last read.</summary>
    public ResponseHead Head { get; } = new();

    /// <summary>Whether anything of an answer has come since the connection was last put away.</summary>
    public bool HasHeard { get; private set; }

    /// <summary>What has come and was not taken yet.</summary>
    public ReadOnlySpan<byte> Unread => _read.Span;

    /// <summary>Bytes that wait for the next write.</summary>
    public int Gathered => _write.Length;

    /// <summary>Room in the next write.</summary>
    public Memory<byte> Room(int least) => _write.Room(least);

    /// <summary>So much of that room is used.</summary>
    public void Add(int count) => _write.Add(count);

    /// <summary>Adds bytes to the next write.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_write.Room(bytes.Length).Span);
        _write.Add(bytes.Length);
    }

    /// <summary>Adds text to the next write: a byte for each character, as it was read.</summary>
    public void Append(string text) => _write.Add(Encoding.Latin1.GetBytes(text, _write.Room(text.Length).Span));

    /// <summary>Sends what was added.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask FlushAsync()
    {
        if (_write.Length == 0) return;
        await stream.WriteAsync(_write.Memory).ConfigureAwait(false);
        _write.Take(_write.Length);
    }

    /// <summary>Reads more; false at the end.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> FillAsync()
    {
        var count = await stream.ReadAsync(_read.Room(SmallestRead)).ConfigureAwait(false);
        _read.Add(count);
        HasHeard |= count > 0;
        return count > 0;
    }

    /// <summary>How long the head or trailer section is that has come whole; 0 while none has.</summary>
    /// <exception cref="ResponseFormatException">It is longer than any may be.</exception>
    public int FindSection()
    {
        var length = ResponseHead.FindEnd(Unread, ref _looked);
        if ((length == 0 ? Unread.Length : length) > ResponseHead.MaxLength) throw new ResponseFormatException("its head does not end");
        return length;
    }

    /// <summary>So much was taken of what has come.</summary>
    public void Take(int count)
    {
        _read.Take(count);
        _looked = 0;
    }

    /// <summary>Ends it for both sides: what reads or writes it fails. From any thread.</summary>
    public void Break() => stream.Reset();

    /// <summary>No request is on it any more: it gives its buffers back.</summary>
    public void LetGo()
    {
        _read.LetGo();
        _write.LetGo();
        (_looked, HasHeard) = (0, false);
    }
}
