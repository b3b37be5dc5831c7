using System.Diagnostics;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Reads W3C trace context (Trace Context level 1, section 3.2). What breaks the rules is as good as none: a new trace begins.</summary>
internal static class TraceContext
{
    // version "-" trace-id "-" parent-id "-" flags
    private const int Length = 55;

    /// <summary>The caller's span; default when there is none that can be used.</summary>
    public static ActivityContext Read(string? traceparent, string? tracestate)
    {
        if (traceparent is null || !IsWellFormed(traceparent)) return default;
        // A later version is read by the rules of the one we know (section 3.2.4); the runtime takes no other.
        var known = traceparent.StartsWith("00", StringComparison.Ordinal) ? traceparent : string.Concat("00", traceparent.AsSpan(2, Length - 2));
        if (!ActivityContext.TryParse(known, tracestate, isRemote: true, out var context)) return default;
        return context.TraceId == default || context.SpanId == default ? default : context;
    }

    private static bool IsWellFormed(string text)
    {
        if (text.Length < Length || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
        if (text.StartsWith("ff", StringComparison.Ordinal)) return false;
        // Version 00 has exactly these four parts; a later one may have more.
        return text.Length == Length || (!text.StartsWith("00", StringComparison.Ordinal) && text[Length] == '-');
    }
}
