using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.Tool.Output;

/// <summary>What <c>--json</c> prints: the types of the admin API, indented, with the nulls that scripts look for.</summary>
internal static class JsonOutput
{
    private static readonly AdminJson Readable = new(new JsonSerializerOptions(AdminJson.Default.Options)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        WriteIndented = true,
        // For terminals, not for web pages: quotes and umlauts stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private static readonly AdminJson Line = new(new JsonSerializerOptions(AdminJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The option of every command that reads.</summary>
    public static Option<bool> Option() => new("--json") { Description = "Print JSON instead of a table." };

    public static string Document<T>(T value) => JsonSerializer.Serialize(value, typeof(T), Readable);

    public static string OneLine<T>(T value) => JsonSerializer.Serialize(value, typeof(T), Line);
}
