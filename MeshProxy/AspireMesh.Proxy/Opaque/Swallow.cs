using System.Buffers;
using System.Net.Sockets;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Opaque;

/// <summary>A connection into nowhere: what comes is read and forgotten, nothing goes back, and it ends when the opener ends it.</summary>
internal static class Swallow
{
    private const int BufferSize = 4 * 1024;

    public static async Task<Runtime.ConnectionEnd> RunAsync(HalfCloseStream opener, CancellationToken cut)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        long sent = 0;
        try
        {
            int read;
            while ((read = await opener.ReadAsync(buffer, cut)) > 0) sent += read;
            await opener.CloseWriteAsync(cut);
            opener.Finish();
            return new Runtime.ConnectionEnd(sent, 0, null);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            opener.Reset();
            return new Runtime.ConnectionEnd(sent, 0, e.Message);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
