using System.Collections.Concurrent;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>
/// The attributes of request metrics. Requests of a kind share one array, so that counting one allocates nothing; what a caller can choose freely
/// (its method) is mapped to a known value first, and the number of kinds is bounded.
/// </summary>
internal sealed class RequestTags
{
    private const int MostKinds = 2000;
    private readonly ConcurrentDictionary<RequestKind, KeyValuePair<string, object?>[]> _known = new();

    /// <summary>The attributes of a kind of request.</summary>
    public KeyValuePair<string, object?>[] For(in RequestKind kind)
    {
        if (_known.TryGetValue(kind, out var tags)) return tags;
        tags = Make(kind);
        return _known.Count < MostKinds ? _known.GetOrAdd(kind, tags) : tags;
    }

    /// <summary>A method as semantic conventions want it: one of the known ones, or <c>_OTHER</c>.</summary>
    public static string Method(string method) => method switch
    {
        "GET" or "POST" or "PUT" or "DELETE" or "HEAD" or "PATCH" or "OPTIONS" or "CONNECT" or "TRACE" => method,
        _ => "_OTHER",
    };

    /// <summary>A protocol as semantic conventions want it: <c>1.1</c> for <c>HTTP/1.1</c>.</summary>
    public static string Version(string protocol) => protocol switch
    {
        "HTTP/1.1" => "1.1",
        "HTTP/2" => "2",
        "HTTP/1.0" => "1.0",
        _ => protocol,
    };

    private static KeyValuePair<string, object?>[] Make(in RequestKind kind)
    {
        var tags = new List<KeyValuePair<string, object?>>(11)
        {
            new(MeshNames.Method, kind.Method),
            new(MeshNames.Scheme, "http"),
            new(MeshNames.ProtocolVersion, Version(kind.Protocol)),
            new(MeshNames.ServerAddress, kind.Destination),
            new(MeshNames.Source, kind.Source),
            new(MeshNames.Destination, kind.Destination),
            new(MeshNames.Endpoint, kind.Endpoint),
        };
        if (kind.Status > 0) tags.Add(new(MeshNames.StatusCode, kind.Status));
        if (kind.Route is not null) tags.Add(new(MeshNames.Route, kind.Route));
        if (kind.Flags is not null) tags.Add(new(MeshNames.Flags, kind.Flags));
        if (kind.GrpcStatus is { } grpc) tags.Add(new(MeshNames.GrpcStatus, grpc));
        if (kind.Status is 0 or >= 500) tags.Add(new(MeshNames.ErrorType, kind.Status == 0 ? "_OTHER" : kind.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        return [.. tags];
    }
}

/// <summary>What request metrics tell apart.</summary>
internal readonly record struct RequestKind(
    string Source, string Destination, string Endpoint, string? Route, string Method, string Protocol, int Status, int? GrpcStatus, string? Flags);
