using System.Globalization;
using AspireMesh.Benchmarks.Pair;

namespace AspireMesh.Benchmarks.Faults;

/// <summary>
/// Throughput of a pair in a mesh with chaos enabled and no fault, against one with chaos off. Rounds go in turn, and which comes first changes every time;
/// each gives one ratio, and their mean has a 95 % interval (Student).
/// </summary>
internal static class ChaosPairBenchmark
{
    /// <summary>Two-sided 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom.</summary>
    private static readonly double[] Student =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Math.Clamp(Option(args, "--rounds", 12), 2, 31);
        var seconds = Option(args, "--seconds", 3);
        var folder = Directory.CreateTempSubdirectory("aspiremesh-chaos-pair-").FullName;
        var ratios = new List<double>();
        await using var app = RivalPairs.App(folder);
        await app.ReadyAsync();
        Directory.CreateDirectory(Path.Combine(folder, "on"));
        await using (var off = await AspireMeshPair.StartAsync(folder, app.Port))
        await using (var on = await AspireMeshPair.StartAsync(Path.Combine(folder, "on"), app.Port, chaos: true))
        {
            foreach (var pair in new[] { off, on })
            {
                await pair.ReadyAsync();
                await WrkLoad.RunAsync(pair.Port, 32, 3);
            }

            for (var round = 0; round < rounds; round++)
            {
                var first = await WrkLoad.RunAsync((round % 2 == 0 ? off : on).Port, 32, seconds);
                var second = await WrkLoad.RunAsync((round % 2 == 0 ? on : off).Port, 32, seconds);
                var (without, with) = round % 2 == 0 ? (first, second) : (second, first);
                ratios.Add(with.RequestsPerSecond / without.RequestsPerSecond);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round + 1,2}: off {without.RequestsPerSecond,8:0} requests/s, on {with.RequestsPerSecond,8:0}, ratio {ratios[^1]:0.0000}"));
            }
        }

        Directory.Delete(folder, recursive: true);
        var mean = ratios.Average();
        var half = Student[rounds - 2] * Math.Sqrt(ratios.Sum(r => (r - mean) * (r - mean)) / (rounds - 1) / rounds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"chaos enabled without a fault: {(mean - 1) * 100:+0.00;-0.00} % throughput, 95 % interval {(mean - half - 1) * 100:+0.00;-0.00} % to {(mean + half - 1) * 100:+0.00;-0.00} %"));
        return 0;
    }

    private static int Option(string[] args, string name, int otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }
}
