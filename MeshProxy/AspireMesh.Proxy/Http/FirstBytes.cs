using System.Buffers;
using System.IO.Pipelines;

namespace AspireMesh.Proxy.Http;

/// <summary>Looks at the beginning of a connection without consuming it.</summary>
internal static class FirstBytes
{
    /// <summary>
    /// Whether the connection begins like the HTTP/2 preface (RFC 9113 section 3.4). Three bytes decide: no registered HTTP/1.x method begins with
    /// <c>PRI</c>, which the RFC reserves for this purpose.
    /// </summary>
    public static async ValueTask<bool> AreHttp2Async(PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var start = result.Buffer.Start;
            if (result.Buffer.Length >= 3 || result.IsCompleted || !CouldBePreface(result.Buffer))
            {
                var http2 = result.Buffer.Length >= 3 && CouldBePreface(result.Buffer);
                reader.AdvanceTo(start, start);
                return http2;
            }
            reader.AdvanceTo(start, result.Buffer.End);
        }
    }

    private static bool CouldBePreface(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> first = stackalloc byte[3];
        var length = (int)Math.Min(buffer.Length, first.Length);
        buffer.Slice(0, length).CopyTo(first);
        return first[..length].SequenceEqual("PRI"u8[..length]);
    }
}
