using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos.Imports;

/// <summary>
/// Experiments of the Chaos Toolkit. Its HTTP probes become claims before and after, its actions of Istio, Toxiproxy and Kubernetes become faults and process
/// steps, its pauses waits. Rollbacks that undo such actions are left out, because ours undo themselves. Whatever else there is, is named.
/// </summary>
public static class ChaosToolkit
{
    /// <summary>Whether a document looks like one.</summary>
    public static bool Recognizes(JsonNode? document) => document is JsonObject found && found.ContainsKey("method") && (found.ContainsKey("steady-state-hypothesis") || found.ContainsKey("title"));

    /// <summary>Reads one.</summary>
    /// <param name="json">The experiment.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <param name="load">The load, which the Chaos Toolkit has no word for; null for calls to the address of the first probe.</param>
    /// <exception cref="MeshValidationException">It has parts that cannot be taken over; names them all.</exception>
    public static ExperimentDocument Read(string json, string source, LoadDocument? load = null)
    {
        var problems = new ProblemList();
        JsonNode? node = null;
        try
        {
            node = JsonNode.Parse(json, null, new JsonDocumentOptions { MaxDepth = 32 });
        }
        catch (JsonException e)
        {
            problems.Add(MeshDiagnostics.BadImport, $"'{source}' is no JSON: {e.Message} Correct that place.");
        }
        if (node is not JsonObject root)
        {
            problems.Add(MeshDiagnostics.BadImport, $"'{source}' is no experiment of the Chaos Toolkit. Write an object with \"title\", \"steady-state-hypothesis\" and \"method\".");
            problems.ThrowIfAny();
            return null!;
        }
        var probes = Items(root["steady-state-hypothesis"]?["probes"]).Select((p, i) => Probe(p, $"{source}: probe {i + 1}", problems)).OfType<ClaimDocument>().ToList();
        var steps = Items(root["method"]).SelectMany((a, i) => Steps(a, $"{source}: method {i + 1}", problems)).ToImmutableArray();
        foreach (var (rollback, i) in Items(root["rollbacks"]).Select((r, i) => (r, i)))
        {
            var undone = ToolkitActions.IsUndoing(Text(rollback, "provider", "func"));
            if (!undone) problems.Add(MeshDiagnostics.BadImport, $"{source}: rollback {i + 1} '{Text(rollback, "name")}' does something that is not ours to do. Remove it.");
        }
        load ??= probes.Count == 0 ? null : new LoadDocument { Url = probes[0].Url!, Expect = probes[0].Expect };
        if (load is null) problems.Add(MeshDiagnostics.BadImport, $"{source}: no HTTP probe says what to call. Add one to \"steady-state-hypothesis\".");
        problems.ThrowIfAny();
        var document = new ExperimentDocument
        {
            Name = Text(root, "title") ?? source,
            Description = Text(root, "description"),
            Load = load,
            // The hypothesis is looked at before and after, as the Chaos Toolkit does.
            Hypothesis = [.. probes.Select(p => p with { Phase = Phase.Before }), .. probes.Select(p => p with { Phase = Phase.After })],
            Steps = steps,
        };
        DocumentChecks.Check(document, source, problems);
        problems.ThrowIfAny();
        return document;
    }

    internal static string? Text(JsonNode? node, params string[] path)
    {
        foreach (var part in path) node = (node as JsonObject)?[part];
        return node is JsonValue value ? value.ToString() : null;
    }

    private static IEnumerable<JsonNode?> Items(JsonNode? node) => node as JsonArray ?? [];

    private static ClaimDocument? Probe(JsonNode? probe, string place, ProblemList problems)
    {
        var name = Text(probe, "name") ?? "";
        if (Text(probe, "provider", "type") != "http" || Text(probe, "provider", "url") is not { } url)
        {
            problems.Add(MeshDiagnostics.BadImport, $"{place} '{name}' asks a {Text(probe, "provider", "type") ?? "nothing"}: only HTTP probes can be taken over. Remove it, or write a claim of ours.");
            return null;
        }
        if (Text(probe, "provider", "method") is { } method && !method.Equals("GET", StringComparison.OrdinalIgnoreCase)) problems.Add(MeshDiagnostics.BadImport, $"{place} '{name}' sends {method}; a probe only asks. Write GET.");
        return Tolerance(probe?["tolerance"]) is { } expect
            ? new ClaimDocument { Kind = ClaimKind.Probe, Url = url, Expect = expect }
            : Bad(problems, $"{place} '{name}' has the tolerance {probe?["tolerance"]?.ToJsonString() ?? "null"}, which cannot be taken over. Write a status, a list of statuses, a range of the status, a regex of the body or a jsonpath of names.");
    }

    private static ClaimDocument? Bad(ProblemList problems, string message)
    {
        problems.Add(MeshDiagnostics.BadImport, message);
        return null;
    }

    private static Tolerance? Tolerance(JsonNode? tolerance)
    {
        switch (tolerance)
        {
            case JsonValue value when value.TryGetValue<int>(out var status):
                return new Tolerance { Status = status.ToString(CultureInfo.InvariantCulture) };
            case JsonArray { Count: > 0 } list when list.All(s => s is JsonValue v && v.TryGetValue<int>(out _)):
                return new Tolerance { Status = string.Join(',', list.Select(s => s!.ToString())) };
            case JsonObject found:
                return Text(found, "type") switch
                {
                    "regex" when Text(found, "pattern") is { } pattern && Text(found, "target") is null or "body" => new Tolerance { BodyMatches = pattern },
                    "range" when Text(found, "target") == "status" && found["range"] is JsonArray { Count: 2 } range => new Tolerance { Status = $"{range[0]}-{range[1]}" },
                    "jsonpath" when Text(found, "path") is { } path && path.StartsWith("$.", StringComparison.Ordinal) && path.AsSpan(2).IndexOfAny("*?@[(:") < 0 =>
                        new Tolerance { JsonPath = path[2..], JsonValue = found["expect"] is JsonArray { Count: 1 } expect ? expect[0]?.ToString() : Text(found, "expect") },
                    _ => null,
                };
            default:
                return null;
        }
    }

    private static IEnumerable<StepDocument> Steps(JsonNode? activity, string place, ProblemList problems)
    {
        if (Seconds(activity, "before") is { } before) yield return new StepDocument { Wait = before };
        if (Text(activity, "type") == "probe") problems.Add(MeshDiagnostics.BadImport, $"{place} '{Text(activity, "name")}' is a probe between actions, which has no effect on the verdict. Remove it.");
        else if (ToolkitActions.Read(activity, place, problems) is { } step) yield return step;
        if (Seconds(activity, "after") is { } after) yield return new StepDocument { Wait = after };
    }

    private static TimeSpan? Seconds(JsonNode? activity, string which) =>
        double.TryParse(Text(activity, "pauses", which), CultureInfo.InvariantCulture, out var seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
}
