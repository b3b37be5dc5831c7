using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// In place of message <see cref="Fault.Message"/> the stream ends: a WebSocket with the close code <see cref="Fault.Code"/> (default 1011) and the reason
/// <see cref="Fault.Name"/>, a gRPC response with the status <see cref="Fault.Code"/> (default 14), a gRPC request with a break. Reads <see cref="Fault.Direction"/>.
/// </summary>
internal sealed class StreamCloseFault(Fault fault) : IByteFault
{
    private const int MostReason = 123;

    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public bool AppliesTo(HttpRequest? request) => MessageFraming.Of(request) != MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var segment in new MessageCutter(flow.Framing).CutAsync(bytes, cancellation))
        {
            if (!segment.Starts || segment.Message != Math.Max(1, fault.Message))
            {
                yield return segment.Bytes;
                continue;
            }

            if (flow.Framing == MessageFraming.WebSocket) yield return CloseFrame(fault.Code == 0 ? 1011 : fault.Code, fault.Name ?? "", masked: flow.IsRequest);
            else if (flow.Response is { } response) response.TrailingHeaders.TryAddWithoutValidation("grpc-status", (fault.Code == 0 ? 14 : fault.Code).ToString(CultureInfo.InvariantCulture));
            else throw new FaultBreakException($"a fault ended the stream at message {fault.Message}");
            yield break;
        }
    }

    /// <summary>RFC 6455 section 5.5.1. A mask of zeros is a mask: what a client sends must have one.</summary>
    private static byte[] CloseFrame(int code, string reason, bool masked)
    {
        var text = Encoding.UTF8.GetBytes(reason);
        if (text.Length > MostReason) text = [];
        var frame = new byte[2 + (masked ? 4 : 0) + 2 + text.Length];
        frame[0] = 0x88;
        frame[1] = (byte)((masked ? 0x80 : 0) | (2 + text.Length));
        var payload = frame.AsSpan(masked ? 6 : 2);
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        text.CopyTo(payload[2..]);
        return frame;
    }
}
