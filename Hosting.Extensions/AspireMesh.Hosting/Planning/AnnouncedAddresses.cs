namespace AspireMesh.Hosting.Planning;

/// <summary>Servers whose protocol hands addresses to clients.</summary>
internal static class AnnouncedAddresses
{
    private static readonly (string Part, string Protocol)[] Known = [("kafka", "Kafka"), ("redpanda", "Kafka"), ("mongo", "MongoDB"), ("redis-cluster", "Redis Cluster")];

    /// <summary>The protocol, where a resource's type, image or scheme tells that it is one of those.</summary>
    public static string? Protocol(IResource resource)
    {
        var image = resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var container) ? container.Image : "";
        var schemes = string.Join(' ', resource.Annotations.OfType<EndpointAnnotation>().Select(e => e.UriScheme));
        var text = $"{resource.GetType().Name} {image} {schemes}";
        return Known.FirstOrDefault(k => text.Contains(k.Part, StringComparison.OrdinalIgnoreCase)).Protocol;
    }
}
