using System.Text.Json;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Running;

/// <summary>
/// Reads what people and other programs write: models, policies, admin requests. By reflection, which keeps the defaults of what a document leaves out
/// (source-generated reading does not); comments and trailing commas are taken, a name that nobody knows is refused, so that a typing error does not pass for a policy.
/// </summary>
public static class MeshDocument
{
    private static readonly JsonSerializerOptions Strict = Options(JsonUnmappedMemberHandling.Disallow);
    private static readonly JsonSerializerOptions Lenient = Options(JsonUnmappedMemberHandling.Skip);

    /// <summary>For writing what <see cref="Read{T}(string, string)"/> reads back.</summary>
    internal static JsonSerializerOptions WriteOptions => Strict;

    /// <summary>Reads a policy document.</summary>
    /// <exception cref="MeshValidationException">It cannot be read; names the place.</exception>
    public static PolicyDocument ReadPolicies(string json, string source) => Read<PolicyDocument>(json, source, Strict);

    /// <summary>Reads a mesh model.</summary>
    /// <exception cref="MeshValidationException">It cannot be read; names the place.</exception>
    public static MeshModel ReadModel(string json, string source) => Read<MeshModel>(json, source, Strict);

    /// <summary>Reads what a program of ours wrote, perhaps a newer one: unknown names are passed over.</summary>
    internal static T Read<T>(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<T>(json, Lenient) ?? throw new JsonException("the document is null");

    /// <summary>Reads a request's body.</summary>
    internal static T Read<T>(string json, string source) => Read<T>(json, source, Strict);

    private static T Read<T>(string json, string source, JsonSerializerOptions options)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, options) ?? throw Bad(source, "it is null");
        }
        catch (JsonException e)
        {
            throw Bad(source, e.Message);
        }
    }

    private static MeshValidationException Bad(string source, string found) =>
        new([MeshDiagnostics.BadDocument.Found($"'{source}' cannot be read: {found} Correct that place.")]);

    private static JsonSerializerOptions Options(JsonUnmappedMemberHandling unmapped) => new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        UnmappedMemberHandling = unmapped,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = 32,
    };
}
