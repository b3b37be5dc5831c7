using System.Buffers;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>Writes the head of a forwarded request: what the caller sent, less what is about its own connection, with what the attempt changes.</summary>
internal static class RequestWriter
{
    private static readonly SearchValues<char> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create("\r\n\0");

    /// <param name="connection">Where it goes.</param>
    /// <param name="request">The caller's request.</param>
    /// <param name="changes">What the attempt changes.</param>
    /// <param name="chunked">The body has no announced length.</param>
    public static void Write(Http1Connection connection, HttpRequest request, in HeadChanges changes, bool chunked)
    {
        connection.Append(request.Method);
        connection.Append(" "u8);
        connection.Append(changes.Target);
        connection.Append(" HTTP/1.1\r\nHost: "u8);
        connection.Append(ValueOrEmpty(changes.Host ?? request.Headers.Host.ToString()));
        connection.Append("\r\n"u8);
        foreach (var (name, values) in request.Headers)
            if (Passes(name, changes, chunked)) WriteField(connection, name, values);
        if (changes.Trace.TraceId != default)
        {
            WriteField(connection, "traceparent", TraceHeaders.Parent(changes.Trace));
            if (!string.IsNullOrEmpty(changes.Trace.TraceState)) WriteField(connection, "tracestate", changes.Trace.TraceState);
        }
        if (changes.GrpcTimeout is { } timeout) WriteField(connection, Deadlines.GrpcTimeout.Header, timeout);
        if (chunked) connection.Append("Transfer-Encoding: chunked\r\n"u8);
        // A server may wait for the body of a POST that announces none (RFC 9110 8.6).
        else if (request.ContentLength is null && MeansBody(request.Method)) connection.Append("Content-Length: 0\r\n"u8);
        connection.Append("\r\n"u8);
    }

    private static bool Passes(string name, in HeadChanges changes, bool chunked) => name.Length switch
    {
        4 when Is(name, "Host") => false,
        11 when Is(name, Routing.LoopGuard.Header) => !changes.WithoutHops,
        11 when Is(name, "traceparent") => changes.Trace.TraceId == default,
        10 when Is(name, "tracestate") => changes.Trace.TraceId == default,
        12 when Is(name, Deadlines.GrpcTimeout.Header) => changes.GrpcTimeout is null,
        // With both, the coding is the framing and the length must not go on (RFC 9112 6.3).
        14 when chunked && Is(name, "Content-Length") => false,
        // No name of HTTP/1.1; YARP's forwarder would drop it too.
        _ => !HopByHop.Contains(name) && !name.AsSpan().ContainsAnyExcept(s_token),
    };

    private static void WriteField(Http1Connection connection, string name, in StringValues values)
    {
        foreach (var value in values)
        {
            // A policy's edit, if anything: what came over the wire has none. It must not become two lines.
            if (value is null || value.AsSpan().ContainsAny(s_lineEnds)) continue;
            connection.Append(name);
            connection.Append(": "u8);
            connection.Append(value);
            connection.Append("\r\n"u8);
        }
    }

    private static string ValueOrEmpty(string value) => value.AsSpan().ContainsAny(s_lineEnds) ? "" : value;

    private static bool MeansBody(string method) => method is "POST" or "PUT" or "PATCH";

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);
}
