using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Http;

/// <summary>Finds in an exception what HttpClient has wrapped.</summary>
internal static class ForwarderFailure
{
    /// <summary>REFUSED_STREAM of RFC 9113 section 7: the peer says it processed nothing.</summary>
    private const long RefusedStream = 0x7;

    public static DialException? Dial(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
            if (e is DialException dial) return dial;
        return null;
    }

    public static bool IsRefusedStream(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
            if (e is HttpProtocolException { ErrorCode: RefusedStream }) return true;
        return false;
    }

    /// <summary>The connection could not be made at all.</summary>
    public static bool IsConnect(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
            if (e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError }) return true;
        return false;
    }
}
