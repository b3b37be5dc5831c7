using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// An answer of the sidecar's own. Always short text with the reason and the next line to type, and <c>x-mesh-error</c> with the flag and the reason, so that
/// nobody takes it for the app's. A gRPC caller gets a trailers-only response, the only error it can read.
/// </summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Flag">One of <see cref="ResponseFlags"/>.</param>
/// <param name="Reason">What was found, one sentence, naming the resource.</param>
/// <param name="Next">The next line to type.</param>
internal sealed record ErrorAnswer(int Status, string Flag, string Reason, string Next)
{
    public const string Header = "x-mesh-error";

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Overrides the gRPC code that follows from <see cref="Status"/>.</summary>
    public int? GrpcCode { get; init; }

    /// <summary>For 401: what to authenticate with (RFC 6750 section 3).</summary>
    public string? Challenge { get; init; }

    public static bool IsGrpc(HttpRequest request) => request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);

    /// <summary>Replaces whatever was set on a response that has not begun.</summary>
    public async Task WriteAsync(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        context.Response.Headers[Header] = Printable($"{Flag}; {Reason} {Next}");
        if (RetryAfter is { } wait) context.Response.Headers.RetryAfter = Math.Ceiling(Math.Max(1, wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (IsGrpc(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = (GrpcCode ?? CodeFor(Status)).ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["grpc-message"] = Printable($"{Reason} {Next}");
            return;
        }

        context.Response.StatusCode = Status;
        if (Challenge is not null) context.Response.Headers.WWWAuthenticate = Challenge;
        var body = Encoding.UTF8.GetBytes($"{Reason}\n{Next}\n");
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>The codes gRPC clients would make of a status themselves (http-grpc-status-mapping), and sharper ones where the sidecar knows more.</summary>
    private static int CodeFor(int status) => status switch
    {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 => 8,
        502 or 503 => 14,
        504 => 4,
        _ => 2,
    };

    /// <summary>Header values are visible ASCII here (RFC 9110 5.5); grpc-message percent-encodes the rest, and '%' itself.</summary>
    private static string Printable(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var c in text) clean.Append(c is < ' ' or > '~' ? '?' : c);
        return clean.Replace("%", "%25").ToString();
    }
}
