using System.Globalization;

namespace AspireMesh.Tool.Commands;

/// <summary>Times as people type them: <c>300ms</c>, <c>60s</c>, <c>1.5m</c>, <c>2h</c>.</summary>
internal static class DurationText
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        foreach (var (unit, milliseconds) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            if (!double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) continue;
            if (number * milliseconds > TimeSpan.FromDays(365).TotalMilliseconds) return false;
            time = TimeSpan.FromMilliseconds(number * milliseconds);
            return true;
        }
        return false;
    }
}
