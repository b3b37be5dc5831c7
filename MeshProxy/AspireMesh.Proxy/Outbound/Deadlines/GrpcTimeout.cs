using System.Globalization;

namespace AspireMesh.Proxy.Outbound.Deadlines;

/// <summary>The <c>grpc-timeout</c> header: up to eight digits and a unit (gRPC over HTTP/2, "Timeout").</summary>
internal static class GrpcTimeout
{
    public const string Header = "grpc-timeout";
    private const long MaxValue = 99_999_999;

    /// <summary>Null for a value that the grammar does not allow; such a header is ignored, not an error, as gRPC servers do.</summary>
    public static TimeSpan? Parse(string? value)
    {
        if (value is null || value.Length is < 2 or > 9) return null;
        if (!long.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        return value[^1] switch
        {
            'H' => TimeSpan.FromHours(number),
            'M' => TimeSpan.FromMinutes(number),
            'S' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMilliseconds(number),
            'u' => TimeSpan.FromMicroseconds(number),
            'n' => TimeSpan.FromTicks(number / 100),
            _ => null,
        };
    }

    /// <summary>The finest unit whose number still fits into eight digits; never zero, which would mean "already over".</summary>
    public static string Format(TimeSpan timeout)
    {
        var micros = Math.Max(1, timeout.Ticks / TimeSpan.TicksPerMicrosecond);
        if (micros <= MaxValue) return string.Create(CultureInfo.InvariantCulture, $"{micros}u");
        var millis = micros / 1000;
        if (millis <= MaxValue) return string.Create(CultureInfo.InvariantCulture, $"{millis}m");
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Min(MaxValue, millis / 1000)}S");
    }
}
