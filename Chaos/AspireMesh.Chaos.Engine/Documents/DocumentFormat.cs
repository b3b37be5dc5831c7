using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using AspireMesh.Chaos.Imports;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos.Documents;

/// <summary>Experiments as JSON. By reflection, which keeps the defaults of what a document leaves out.</summary>
public static class DocumentFormat
{
    internal static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new DurationJson() },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutDefaults } },
        WriteIndented = true,
        NewLine = "\n",
        MaxDepth = 32,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Reads an experiment and checks it: our own, or one of the Chaos Toolkit.</summary>
    /// <param name="json">The document.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <exception cref="MeshValidationException">It cannot be run; carries every reason, each with its place.</exception>
    public static ExperimentDocument Read(string json, string source)
    {
        var problems = new ProblemList();
        var document = Parse(json, source, problems);
        if (document is not null) DocumentChecks.Check(document, source, problems);
        problems.ThrowIfAny();
        return document!;
    }

    /// <summary>Writes an experiment; what has its default value is left out.</summary>
    public static string Write(ExperimentDocument document) => JsonSerializer.Serialize(document, Options) + "\n";

    private static ExperimentDocument? Parse(string json, string source, ProblemList problems)
    {
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(json, null, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 32 });
        }
        catch (JsonException e)
        {
            problems.Add(MeshDiagnostics.BadExperiment, $"'{source}' is no JSON: {e.Message} Correct that place.");
            return null;
        }
        if (ChaosToolkit.Recognizes(node))
        {
            try
            {
                return ChaosToolkit.Read(json, source);
            }
            catch (MeshValidationException e)
            {
                foreach (var problem in e.Problems) problems.Add(problem);
                return null;
            }
        }
        if (!DocumentShape.Check(node, typeof(ExperimentDocument), source, problems)) return null;
        return node.Deserialize<ExperimentDocument>(Options);
    }

    /// <summary>A value that says nothing new is not written: documents are read by people.</summary>
    private static void LeaveOutDefaults(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object || type.Type.Namespace?.StartsWith("AspireMesh.", StringComparison.Ordinal) != true) return;
        if (type.Type.GetConstructor(Type.EmptyTypes) is null) return;
        var blank = Activator.CreateInstance(type.Type);
        foreach (var property in type.Properties)
        {
            if (property.IsRequired || property.Get is not { } get) continue;
            var usual = get(blank!);
            property.ShouldSerialize = (_, value) => !Same(usual, value);
        }
    }

    private static bool Same(object? usual, object? value) =>
        Equals(usual, value) || (usual is System.Collections.ICollection { Count: 0 } && value is System.Collections.ICollection { Count: 0 });
}
