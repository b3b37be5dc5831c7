using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Endpoints;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Replaces, when a process starts, the texts that differ between the processes of a resource.</summary>
internal static partial class ReplicaText
{
    /// <summary>Puts in the process's own ports and values. A text that names something of another resource stays as it is, and <paramref name="unknown"/> hears of it.</summary>
    public static string Substitute(string text, IResource resource, ReplicaInstance instance, Action<string> unknown) => !text.Contains("{{-", StringComparison.Ordinal)
        ? text
        : Placeholder().Replace(text, match =>
        {
            var value = Find(match.Groups["what"].Value, match.Groups["name"].Value, resource, instance);
            if (value is null)
            {
                unknown(match.Value);
            }

            return value ?? match.Value;
        });

    private static string? Find(string what, string name, IResource resource, ReplicaInstance instance)
    {
        switch (what)
        {
            case "portForServing":
                var endpoint = resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => EndpointAllocation.ServiceName(resource, e) == name);
                if (endpoint is null)
                {
                    return null;
                }

                // In a container the port to bind is the container's own, not the one it is published on.
                var port = resource.IsContainer() ? endpoint.TargetPort ?? 0 : instance.TargetPorts[endpoint.Name];
                return port.ToString(CultureInfo.InvariantCulture);
            case "replicaValue":
                return resource.TryGetLastAnnotation<ReplicaValuesAnnotation>(out var values) ? values.Get(instance.Ordinal, name) : null;
            default:
                return name == "otel-service-instance-id" ? instance.InstanceId[(resource.Name.Length + 1)..] : null;
        }
    }

    // The dashes take the blanks around the braces away, as in the templates of Go that DCP uses.
    [GeneratedRegex("""\s*\{\{-\s*(?<what>portForServing|replicaValue|index \.Annotations)\s+"(?<name>[^"]+)"\s*-\}\}\s*""")]
    private static partial Regex Placeholder();
}
