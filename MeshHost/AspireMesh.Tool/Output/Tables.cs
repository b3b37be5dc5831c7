using System.Globalization;
using Spectre.Console;

namespace AspireMesh.Tool.Output;

/// <summary>Tables of plain cells.</summary>
internal static class Tables
{
    public static Table Create(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns) table.AddColumn(new TableColumn(new Text(column)).NoWrap());
        return table;
    }

    public static Table Row(this Table table, params string?[] cells) => table.AddRow(cells.Select(c => new Text(c ?? "-")));

    public static string Ms(double? value) => value is null ? "-" : value.Value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    public static string Number(double? value, string format = "0.0") => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    public static string YesNo(bool? value) => value switch { true => "yes", false => "NO", null => "-" };

    public static string Left(DateTimeOffset? until, DateTimeOffset now)
    {
        if (until is null) return "-";
        var left = until.Value - now;
        if (left < TimeSpan.Zero) return "expired";
        return left.TotalHours >= 48 ? $"{left.TotalDays:0} d" : left.TotalMinutes >= 120 ? $"{left.TotalHours:0} h" : left.TotalSeconds >= 120 ? $"{left.TotalMinutes:0} min" : $"{left.TotalSeconds:0} s";
    }
}
