using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Http;

/// <summary>Finds in an exception what HttpClient has wrapped.</summary>
internal static class ForwarderFailure
{
    /// <summary>REFUSED_STREAM of RFC 9113 section 7: the peer says it processed nothing.</summary>
    public const int RefusedStream = 0x7;

    public static DialException? Dial(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
            if (e is DialException dial) return dial;
        return null;
    }

    /// <summary>The peer refused the stream, and nobody has sent it again.</summary>
    public static bool IsRefusedStream(Exception? exception) => Has(exception, static e => e is RefusedStreamException or HttpProtocolException { ErrorCode: RefusedStream });

    /// <summary>Likewise, of a request whose body had been begun.</summary>
    public static bool IsRefusedBody(Exception? exception) => Has(exception, static e => e is RefusedStreamException);

    /// <summary>The connection could not be made at all.</summary>
    public static bool IsConnect(Exception? exception) =>
        Has(exception, static e => e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError });

    private static bool Has(Exception? exception, Func<Exception, bool> looked)
    {
        // YARP puts the request's failure and its body's side by side.
        if (exception is AggregateException several) return several.InnerExceptions.Any(e => Has(e, looked));
        for (var e = exception; e is not null; e = e.InnerException)
            if (looked(e)) return true;
        return false;
    }
}
