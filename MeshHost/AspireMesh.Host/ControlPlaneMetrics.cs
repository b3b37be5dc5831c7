using System.Diagnostics.Metrics;
using AspireMesh.Host.Identity;

namespace AspireMesh.Host;

/// <summary>What the control plane counts.</summary>
internal static class ControlPlaneMetrics
{
    private static readonly Meter Meter = new("AspireMesh.Host");
    private static readonly Counter<long> Joins = Meter.CreateCounter<long>("aspiremesh.control.joins", "{join}", "Attempts of sidecars to join, by outcome");

    public static void Joined(JoinOutcome outcome) => Joins.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToString()));
}
