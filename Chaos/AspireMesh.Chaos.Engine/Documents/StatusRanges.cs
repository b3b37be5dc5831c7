using System.Globalization;

namespace AspireMesh.Chaos.Documents;

/// <summary>Statuses and ranges of them: <c>200-299,404</c>.</summary>
internal static class StatusRanges
{
    public static bool TryParse(string text, out (int First, int Last)[] ranges)
    {
        ranges = [];
        var read = new List<(int, int)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-', 2);
            if (!Number(ends[0], out var first)) return false;
            var last = first;
            if (ends.Length == 2 && !Number(ends[1], out last)) return false;
            if (first > last) return false;
            read.Add((first, last));
        }
        ranges = [.. read];
        return true;

        static bool Number(string digits, out int status) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out status) && status is >= 100 and <= 999;
    }

    public static bool Contains(string text, int status) => TryParse(text, out var ranges) && ranges.Any(r => status >= r.First && status <= r.Last);
}
