using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol;

namespace AspireMesh.Chaos.Reports;

/// <summary>A finished experiment as a journal (JSON), a JUnit file and a short Markdown page.</summary>
public static class ExperimentReport
{
    /// <summary>
    /// The journal. <c>decisions</c> has what the seed decides (each fault, and on each edge the verdict for each request in its order) and is the same for every run
    /// with that seed and as many requests;
    /// <c>observations</c> has what differs from run to run (times, trace ids, figures).
    /// </summary>
    public static string ToJournal(ExperimentResult result)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("experiment", result.Name);
            json.WriteStartObject("decisions");
            json.WriteNumber("seed", result.Seed);
            json.WriteStartArray("faults");
            // The end of a fault's life is a time of day, so it is an observation.
            foreach (var fault in result.Faults) json.WriteRawValue(JsonSerializer.Serialize(fault with { ExpiresAt = null, Owner = null }, MeshJson.Default.FaultRule));
            json.WriteEndArray();
            WriteDecisions(json, result);
            json.WriteEndObject();
            json.WriteStartObject("observations");
            json.WriteString("verdict", result.Verdict.ToString());
            if (result.AbortReason is not null) json.WriteString("reason", result.AbortReason);
            json.WriteStartObject("fires");
            foreach (var (id, count) in result.Fires) json.WriteNumber(id, count);
            json.WriteEndObject();
            json.WriteStartArray("checks");
            foreach (var check in result.Checks)
            {
                json.WriteStartObject();
                json.WriteString("phase", check.Phase.ToString());
                json.WriteString("claim", check.Name);
                json.WriteBoolean("holds", check.Holds);
                json.WriteString("found", check.Found);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("calls");
            foreach (var (phase, measurement) in result.Measurements)
            {
                foreach (var sample in measurement.Samples)
                {
                    json.WriteStartObject();
                    json.WriteString("phase", phase.ToString());
                    json.WriteNumber("atMs", Math.Round(sample.At.TotalMilliseconds, 3));
                    json.WriteNumber("tookMs", Math.Round(sample.Duration.TotalMilliseconds, 3));
                    json.WriteBoolean("ok", sample.Succeeded);
                    if (sample.TraceId is not null) json.WriteString("traceId", sample.TraceId);
                    json.WriteEndObject();
                }
            }
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    // One letter a request, x for fired: short, and two runs are compared by eye.
    private static void WriteDecisions(Utf8JsonWriter json, ExperimentResult result)
    {
        json.WriteStartArray("sequences");
        foreach (var tally in result.Decisions)
        {
            json.WriteStartObject();
            json.WriteString("fault", tally.Fault);
            json.WriteString("edge", $"{tally.From ?? "*"}->{tally.To}.{tally.Endpoint}");
            json.WriteString("sidecar", tally.Instance);
            json.WriteNumber("requests", tally.Requests);
            json.WriteNumber("fires", tally.Fires);
            json.WriteString("verdicts", tally.Decisions);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>One test case per check, in the form CI systems read.</summary>
    public static string ToJUnit(IEnumerable<ExperimentResult> results)
    {
        var suites = results.Select(r => new XElement(
            "testsuite",
            new XAttribute("name", r.Name),
            new XAttribute("tests", Math.Max(r.Checks.Length, 1)),
            new XAttribute("failures", r.Verdict == Verdict.Held ? 0 : Math.Max(r.Checks.Count(c => !c.Holds), 1)),
            Cases(r)));
        return new XDocument(new XElement("testsuites", suites)).ToString() + "\n";
    }

    /// <summary>Verdict, checks and a picture of latency over time.</summary>
    public static string ToMarkdown(ExperimentResult result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {result.Name}\n\n**{result.Verdict}** (seed {result.Seed}){(result.AbortReason is null ? "" : ": " + result.AbortReason)}\n\n");
        text.Append("| when | claim | found | |\n|---|---|---|---|\n");
        foreach (var check in result.Checks)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {check.Phase.ToString().ToLowerInvariant()} | {check.Name} | {check.Found} | {(check.Holds ? "holds" : "**does not hold**")} |\n");
        }
        text.Append("\n| fault | on | fired |\n|---|---|---|\n");
        foreach (var fault in result.Faults)
        {
            var fired = result.Fires.TryGetValue(fault.Id, out var count) ? count.ToString(CultureInfo.InvariantCulture) : "not counted";
            text.Append(CultureInfo.InvariantCulture, $"| {fault.Fault.Kind} | {new ChaosEdge(fault.From, fault.To, fault.Endpoint)} | {fired} |\n");
        }
        text.Append("\nLatency over time, one column per slice, failed slices marked `x`:\n\n```\n").Append(LatencyChart.Draw(result)).Append("```\n");
        return text.ToString();
    }

    private static IEnumerable<XElement> Cases(ExperimentResult result)
    {
        foreach (var check in result.Checks)
        {
            var test = new XElement("testcase", new XAttribute("classname", result.Name), new XAttribute("name", $"{check.Phase}: {check.Name}"));
            if (!check.Holds) test.Add(new XElement("failure", new XAttribute("message", $"found {check.Found}")));
            yield return test;
        }
        if (result.AbortReason is null) yield break;
        yield return new XElement("testcase", new XAttribute("classname", result.Name), new XAttribute("name", result.Verdict.ToString()), new XElement("failure", new XAttribute("message", result.AbortReason)));
    }
}
