using System.Runtime.CompilerServices;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>The whole body comes twice, one after the other. A body over 1 MiB comes once: it is not kept. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class DuplicateFault(Fault fault) : IByteFault
{
    private const int Most = 1024 * 1024;

    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public bool AppliesTo(Microsoft.AspNetCore.Http.HttpRequest? request) => request is not null;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var kept = new MemoryStream();
        var whole = true;
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            whole &= kept.Length + piece.Length <= Most;
            if (whole) kept.Write(piece.Span);
            yield return piece;
        }

        if (whole && kept.Length > 0) yield return kept.ToArray();
    }
}
