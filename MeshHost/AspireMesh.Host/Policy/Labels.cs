using System.Collections.Immutable;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy;

/// <summary>Labels of sidecars: what subsets and zones are made of.</summary>
internal static class Labels
{
    /// <summary>The label that locality preference goes by.</summary>
    public const string Zone = "zone";

    /// <summary>A sidecar's labels: its own win over its workload's.</summary>
    public static ImmutableDictionary<string, string> Of(WorkloadModel workload, SidecarModel sidecar) => workload.Labels.SetItems(sidecar.Labels);

    /// <summary>Whether all labels of a subset are there.</summary>
    public static bool Match(IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> subset) =>
        subset.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value);
}
