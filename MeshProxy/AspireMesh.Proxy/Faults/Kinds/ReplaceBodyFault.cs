using System.Runtime.CompilerServices;
using System.Text;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The body is <see cref="Fault.Value"/>, whatever was sent: the page of a captive portal in place of JSON. Reads <see cref="Fault.Direction"/>. Not for gRPC and WebSockets, whose bytes are messages.</summary>
internal sealed class ReplaceBodyFault(Fault fault) : IByteFault
{
    private readonly byte[] _body = Encoding.UTF8.GetBytes(fault.Value ?? "");

    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public bool AppliesTo(HttpRequest? request) => request is not null && MessageFraming.Of(request) == MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Read to its end, so that the connection it came on can be used again.
        await foreach (var _ in bytes.WithCancellation(cancellation)) continue;
        yield return _body;
    }
}
