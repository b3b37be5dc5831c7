using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Lets so many bytes pass each second. Reads <see cref="Fault.BytesPerSecond"/> and <see cref="Fault.Direction"/>. Both <c>throttle</c> and <c>bandwidth</c> are this.</summary>
internal sealed class PaceFault(Fault fault) : IByteFault
{
    /// <summary>Pieces each second: often enough to look like a slow line, seldom enough to cost little.</summary>
    private const int PiecesPerSecond = 20;

    public string Direction => fault.Direction;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var most = (int)Math.Clamp(fault.BytesPerSecond / PiecesPerSecond, 1, 64 * 1024);
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            for (var rest = piece; !rest.IsEmpty;)
            {
                var count = Math.Min(most, rest.Length);
                await Task.Delay(TimeSpan.FromSeconds((double)count / fault.BytesPerSecond), flow.Time, cancellation);
                yield return rest[..count];
                rest = rest[count..];
            }
        }
    }
}
