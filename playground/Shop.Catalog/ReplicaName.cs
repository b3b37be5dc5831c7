namespace Shop.Catalog;

/// <summary>Which of the replicas this process is: the instance id Aspire gives its telemetry, else the process id.</summary>
internal static class ReplicaName
{
    private const string Attribute = "service.instance.id=";

    public static string Find(IConfiguration configuration)
    {
        var attributes = configuration["OTEL_RESOURCE_ATTRIBUTES"]?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        var instance = attributes.FirstOrDefault(a => a.StartsWith(Attribute, StringComparison.Ordinal))?[Attribute.Length..];
        return $"catalog-{(string.IsNullOrEmpty(instance) ? Environment.ProcessId : instance)}";
    }
}
