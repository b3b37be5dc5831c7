using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AspireMesh.Chaos.Documents;

/// <summary>Times as people write them: <c>300ms</c>, <c>5s</c>, <c>1.5m</c>, <c>2h</c>; <c>00:00:05</c> is read too.</summary>
internal sealed class DurationJson : JsonConverter<TimeSpan>
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && TryParse(reader.GetString()!, out var time) ? time : throw new JsonException("this is no time. Write a number with ms, s, m or h, for example \"300ms\".");

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options)
    {
        var milliseconds = value.TotalMilliseconds;
        writer.WriteStringValue(milliseconds % 1000 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000}s") : string.Create(CultureInfo.InvariantCulture, $"{milliseconds}ms"));
    }

    internal static bool TryParse(string text, out TimeSpan time)
    {
        foreach (var (unit, milliseconds) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal) || !double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) continue;
            time = TimeSpan.FromMilliseconds(Math.Min(number * milliseconds, TimeSpan.FromDays(365).TotalMilliseconds));
            return true;
        }
        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time) && text.Contains(':', StringComparison.Ordinal);
    }
}
