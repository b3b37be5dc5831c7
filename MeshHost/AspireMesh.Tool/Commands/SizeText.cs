using System.Globalization;

namespace AspireMesh.Tool.Commands;

/// <summary>Numbers of bytes as people type them: <c>64</c>, <c>10KB</c>, <c>1.5MB</c>; a KB is 1024 bytes.</summary>
internal static class SizeText
{
    private static readonly (string Unit, long Bytes)[] Units = [("GB", 1L << 30), ("MB", 1L << 20), ("KB", 1L << 10), ("B", 1), ("", 1)];

    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        foreach (var (unit, size) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) continue;
            if (!double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) continue;
            if (number * size > 1L << 50) return false;
            bytes = (long)(number * size);
            return true;
        }

        return false;
    }
}
