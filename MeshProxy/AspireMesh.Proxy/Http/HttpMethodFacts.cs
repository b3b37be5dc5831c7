namespace AspireMesh.Proxy.Http;

/// <summary>What RFC 9110 says about methods.</summary>
internal static class HttpMethodFacts
{
    /// <summary>RFC 9110 9.2.2: safe methods, PUT and DELETE.</summary>
    public static bool IsIdempotent(string method) => method is "GET" or "HEAD" or "OPTIONS" or "TRACE" or "PUT" or "DELETE";
}
