using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>Bounded load by wrk: one thread, so that it leaves most of the machine to the proxies.</summary>
internal static partial class WrkLoad
{
    public sealed record Result(double RequestsPerSecond, long Requests, double P50Ms, double P99Ms);

    public static async Task<Result> RunAsync(int port, int connections, int seconds)
    {
        using var wrk = Process.Start(new ProcessStartInfo("wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "--latency", $"http://127.0.0.1:{port}/"]) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("wrk could not be started");
        var text = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (text.Contains("Non-2xx", StringComparison.Ordinal)) throw new InvalidOperationException($"the pair answered with errors:\n{text}");
        return new Result(Number(Rate().Match(text)), (long)Number(Total().Match(text)), Milliseconds(P50().Match(text)), Milliseconds(P99().Match(text)));
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    private static double Milliseconds(Match match) => Number(match) * match.Groups[2].Value switch { "us" => 0.001, "ms" => 1, _ => 1000 };

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Total();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P50();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P99();
}
