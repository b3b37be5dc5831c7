using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults.Bytes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>
/// The body, a JSON object, is changed by the merge patch <see cref="Fault.Value"/> (RFC 7396): a price of 0, a field that is gone. What is no JSON object, or over 1 MiB, passes as it is.
/// Reads <see cref="Fault.Direction"/>.
/// </summary>
internal sealed class PatchBodyFault(Fault fault) : IByteFault
{
    private const int Most = 1024 * 1024;

    private readonly JsonObject _patch = (JsonObject)JsonNode.Parse(fault.Value!)!;

    public string Direction => fault.Direction;

    public bool ChangesLength => true;

    public bool AppliesTo(HttpRequest? request) => request is not null && MessageFraming.Of(request) == MessageFraming.None;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var kept = new MemoryStream();
        var small = true;
        await foreach (var piece in bytes.WithCancellation(cancellation))
        {
            if (small && kept.Length + piece.Length > Most)
            {
                small = false;
                yield return kept.ToArray();
            }

            if (small) kept.Write(piece.Span);
            else yield return piece;
        }

        if (small && kept.Length > 0) yield return Patched(kept.ToArray());
    }

    private byte[] Patched(byte[] body)
    {
        try
        {
            if (JsonNode.Parse(body) is not JsonObject json) return body;
            Merge(json, _patch);
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            // No JSON, or a name twice in one object.
            return body;
        }
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null) target.Remove(name);
            else if (value is not JsonObject inner) target[name] = value.DeepClone();
            else
            {
                if (target[name] is not JsonObject) target[name] = new JsonObject();
                Merge((JsonObject)target[name]!, inner);
            }
        }
    }
}
