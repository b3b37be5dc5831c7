using System.Globalization;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;

namespace AspireMesh.Chaos.Running;

/// <summary>Claims as data: in words, and against what was measured. Probes need a call and are made by <see cref="HttpProbe"/>.</summary>
internal static class Claims
{
    public static string Describe(ClaimDocument claim) => claim.Kind switch
    {
        ClaimKind.SuccessRate => $"success rate is {Bounds(claim, v => v.ToString("P2", CultureInfo.InvariantCulture))}",
        ClaimKind.Latency => string.Create(CultureInfo.InvariantCulture, $"p{claim.Percentile:0.##} is below {claim.Below?.TotalMilliseconds:0} ms"),
        ClaimKind.Edge => $"{claim.Figure} of {new ChaosEdge(claim.From, claim.To)} are {Bounds(claim, Plain)}",
        ClaimKind.Fires => $"{claim.Fault ?? "all faults"} fired {Bounds(claim, Plain)} times",
        _ => $"{(claim.Resource is null ? claim.Url : claim.Resource + claim.Url)} answers {claim.Expect.Status}{(claim.Expect.BodyMatches is { } body ? $" and matches /{body}/" : "")}{(claim.Expect.JsonPath is { } path ? $" and {path} is right" : "")}",
    };

    public static (bool Holds, string Found) Evaluate(ClaimDocument claim, Measurement m) => claim.Kind switch
    {
        ClaimKind.SuccessRate => (m.Count > 0 && Within(claim, m.SuccessRate), string.Create(CultureInfo.InvariantCulture, $"{m.SuccessRate:P2} of {m.Count} calls")),
        ClaimKind.Latency => (m.Count > 0 && m.Percentile(claim.Percentile) < claim.Below, string.Create(CultureInfo.InvariantCulture, $"{m.Percentile(claim.Percentile).TotalMilliseconds:0.0} ms over {m.Count} calls")),
        ClaimKind.Edge => Number(claim, Figure(claim, m)),
        ClaimKind.Fires => Number(claim, m.Faults.Where(f => claim.Fault is null || f.Fault == claim.Fault).Sum(f => f.Fires)),
        _ => throw new InvalidOperationException("a probe is asked, not computed"),
    };

    private static double? Figure(ClaimDocument claim, Measurement m)
    {
        var edges = m.Edges.Where(e => (claim.From is null || e.From == claim.From) && (claim.To is null || e.To == claim.To)).ToList();
        if (edges.Count == 0) return null;
        var requests = edges.Sum(e => e.Requests);
        return claim.Figure switch
        {
            "requests" => requests,
            "failures" => edges.Sum(e => e.Failures),
            "successRate" => requests == 0 ? null : 1 - (edges.Sum(e => e.Failures) / (double)requests),
            "p50Ms" => edges.Max(e => e.P50Ms),
            _ => edges.Max(e => e.P99Ms),
        };
    }

    private static (bool Holds, string Found) Number(ClaimDocument claim, double? value) => value is { } number ? (Within(claim, number), Plain(number)) : (false, "no such traffic");

    private static bool Within(ClaimDocument claim, double value) => value >= (claim.AtLeast ?? double.NegativeInfinity) && value <= (claim.AtMost ?? double.PositiveInfinity);

    private static string Bounds(ClaimDocument claim, Func<double, string> show) =>
        string.Join(" and ", new[] { claim.AtLeast is { } least ? $"at least {show(least)}" : null, claim.AtMost is { } most ? $"at most {show(most)}" : null }.Where(t => t is not null));

    private static string Plain(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
