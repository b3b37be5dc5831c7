namespace AspireMesh.Hosting.Kubernetes.Rendering;

/// <summary>The names of gRPC status codes (grpc statuscodes.md).</summary>
internal static class GrpcCodes
{
    private static readonly string[] Names =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    /// <summary>The name; UNKNOWN for a number that is no code.</summary>
    public static string Name(int code) => code >= 0 && code < Names.Length ? Names[code] : "UNKNOWN";
}
