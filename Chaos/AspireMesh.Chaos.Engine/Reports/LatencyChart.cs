using System.Globalization;
using System.Text;
using AspireMesh.Chaos.Experiments;

namespace AspireMesh.Chaos.Reports;

/// <summary>Draws the slowest call of each slice of time as a column of text, so that the picture needs no viewer.</summary>
internal static class LatencyChart
{
    private const int Columns = 60;
    private const int Rows = 8;

    public static string Draw(ExperimentResult result)
    {
        var samples = result.Measurements.SelectMany(m => m.Value.Samples.Select(s => (m.Key, Sample: s))).OrderBy(s => s.Sample.At).ToList();
        if (samples.Count == 0) return "no calls\n";
        var end = samples.Max(s => s.Sample.At + s.Sample.Duration);
        var most = Math.Max(samples.Max(s => s.Sample.Duration.TotalMilliseconds), 0.001);
        var height = new double[Columns];
        var failed = new bool[Columns];
        var phase = new char[Columns];
        Array.Fill(phase, ' ');
        foreach (var (key, sample) in samples)
        {
            var column = Math.Min((int)(sample.At / end * Columns), Columns - 1);
            height[column] = Math.Max(height[column], sample.Duration.TotalMilliseconds);
            failed[column] |= !sample.Succeeded;
            phase[column] = key switch { Phase.Before => 'b', Phase.During => 'F', _ => 'a' };
        }
        var text = new StringBuilder();
        for (var row = Rows; row >= 1; row--)
        {
            var label = row == Rows ? string.Create(CultureInfo.InvariantCulture, $"{most,8:0.0} ms |") : "            |";
            text.Append(label);
            // A call that fails at once is no taller than the axis, and is what the picture is looked at for.
            for (var column = 0; column < Columns; column++) text.Append(height[column] >= most * (row - 0.5) / Rows || (failed[column] && row == 1) ? failed[column] ? 'x' : '#' : ' ');
            text.Append('\n');
        }
        return text.Append("            +").Append(new string('-', Columns)).Append('\n').Append("             ").Append(phase).Append("   b before, F faults, a after\n").ToString();
    }
}
