using System.Net.Sockets;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Passthrough;

/// <summary>A hello that was read, and the stream with its bytes still in front.</summary>
/// <param name="Hello">The hello; Incomplete where the other end stopped or was too slow.</param>
/// <param name="Stream">Gives the bytes once more, then the rest.</param>
internal sealed record SniffedHello(ClientHello Hello, HalfCloseStream Stream);

/// <summary>Reads the hello at the beginning of a connection without taking it from whoever reads next.</summary>
internal sealed class HelloReader(TimeProvider time)
{
    /// <summary>Who opens a TLS connection speaks first; one that is silent for longer has nothing to say.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int Usual = 4 * 1024;

    public async Task<SniffedHello> ReadAsync(HalfCloseStream stream, CancellationToken cut)
    {
        using var timed = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, timed.Token);
        var bytes = new byte[Usual];
        var length = 0;
        var hello = new ClientHello(HelloState.Incomplete);
        try
        {
            while (hello.State == HelloState.Incomplete)
            {
                if (length == bytes.Length) Array.Resize(ref bytes, bytes.Length * 2);
                var read = await stream.ReadAsync(bytes.AsMemory(length), either.Token);
                if (read == 0) break;
                length += read;
                hello = ClientHello.Read(bytes.AsSpan(0, length));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Gone, or silent for too long: what came is no whole hello.
        }
        return new SniffedHello(hello, new ReplayedStream(bytes.AsMemory(0, length), stream));
    }
}
