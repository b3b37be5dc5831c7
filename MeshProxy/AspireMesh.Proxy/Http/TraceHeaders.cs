using System.Diagnostics;
using System.Net.Http.Headers;

namespace AspireMesh.Proxy.Http;

/// <summary>Writes the W3C context of an attempt into the forwarded request, in place of the caller's. Without a context the caller's passes as it came.</summary>
internal static class TraceHeaders
{
    public static void Write(HttpRequestHeaders headers, ActivityContext trace)
    {
        if (trace.TraceId == default) return;
        headers.Remove("traceparent");
        headers.Remove("tracestate");
        var sampled = (trace.TraceFlags & ActivityTraceFlags.Recorded) != 0;
        headers.TryAddWithoutValidation("traceparent", $"00-{trace.TraceId.ToHexString()}-{trace.SpanId.ToHexString()}-{(sampled ? "01" : "00")}");
        if (!string.IsNullOrEmpty(trace.TraceState)) headers.TryAddWithoutValidation("tracestate", trace.TraceState);
    }
}
