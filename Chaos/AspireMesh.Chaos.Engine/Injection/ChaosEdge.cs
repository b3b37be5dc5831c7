namespace AspireMesh.Chaos;

/// <summary>Which edges a fault is on: addressed by reference, never by port. Null parts mean any.</summary>
/// <param name="From">The calling resource.</param>
/// <param name="To">The called resource.</param>
/// <param name="Endpoint">The called endpoint.</param>
public sealed record ChaosEdge(string? From, string? To, string? Endpoint = null)
{
    /// <summary>The calls of one resource to another.</summary>
    public static ChaosEdge Between(string from, string to, string? endpoint = null) => new(from, to, endpoint);

    /// <summary>Every call to a resource, whoever makes it.</summary>
    public static ChaosEdge Into(string to, string? endpoint = null) => new(null, to, endpoint);

    /// <summary>Every call a resource makes.</summary>
    public static ChaosEdge OutOf(string from) => new(from, null);

    /// <summary>As people read it: <c>orders -> payments</c>.</summary>
    public override string ToString() => $"{From ?? "any"} -> {To ?? "any"}{(Endpoint is null ? "" : "." + Endpoint)}";
}
