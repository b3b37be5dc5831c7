using System.Globalization;
using AspireMesh.Benchmarks.Pair;

namespace AspireMesh.Benchmarks.Faults;

/// <summary>
/// What chaos costs a mesh that has no fault. One pair of sidecars is asked again and again with chaos off, with chaos allowed and no fault set, and with chaos off once more:
/// the control, whose ratio to the first shows what the measurement itself is worth. They are the same processes each time, because two processes of one program differ by
/// more than what is looked for. Turns are short, because a machine that is shared is faster and slower by the second; each round has all three, in an order that a seed
/// shuffles. A round gives one ratio of each, and the mean of their logarithms has a 95 % interval (Student). Sidecars and load have a core each, so that none of them is
/// moved about.
/// </summary>
internal static class ChaosPairBenchmark
{
    /// <summary>Fewer than make the sidecars open a second connection between them, which would come or not come by chance.</summary>
    private const int Connections = 16;

    private const int LoadCore = 0;
    private const int SidecarCore = 1;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = Math.Max(Option(args, "--rounds", 400), 8);
        var turn = TimeSpan.FromMilliseconds(Option(args, "--milliseconds", 250));
        var chance = new Random(Option(args, "--seed", 1));
        var folder = Directory.CreateTempSubdirectory("aspiremesh-chaos-pair-").FullName;
        Arm[] arms = [new("off", Chaos: false), new("on", Chaos: true), new("off again", Chaos: false)];
        await using var app = RivalPairs.App(folder);
        await app.ReadyAsync();
        app.Pin(LoadCore);
        var (pair, allowChaos) = await AspireMeshPair.StartSwitchableAsync(folder, app.Port);
        await using (pair)
        {
            await pair.ReadyAsync();
            pair.Pin(SidecarCore);
            ProxyPair.Pin(Environment.ProcessId, LoadCore);
            await using var load = await SteadyLoad.ConnectAsync(pair.Port, Connections);
            await load.RunAsync(TimeSpan.FromSeconds(10));
            for (var round = 0; round < rounds; round++)
            {
                chance.Shuffle(arms);
                foreach (var arm in arms)
                {
                    allowChaos(arm.Chaos);
                    await arm.MeasureAsync(pair, load, turn);
                }
                if (args.Contains("--rows")) Console.WriteLine($"round {round + 1,3}: {string.Join(", ", arms.OrderBy(a => a.Name).Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Name} {a.Rates[^1]:0}")))}");
            }
        }

        Directory.Delete(folder, recursive: true);
        var (off, on, control) = (arms.Single(a => a.Name == "off"), arms.Single(a => a.Name == "on"), arms.Single(a => a.Name == "off again"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rounds} rounds of three times {turn.TotalMilliseconds} ms, {Connections} connections with one request at a time on each, {off.Rates.Average():0} requests/s:"));
        Print("throughput, chaos allowed without a fault / off", on.Rates, off.Rates);
        Print("throughput, off again / off (control)          ", control.Rates, off.Rates);
        Print("CPU per request, chaos allowed / off           ", on.Costs, off.Costs);
        Print("CPU per request, off again / off (control)     ", control.Costs, off.Costs);
        return 0;
    }

    private static void Print(string what, List<double> over, List<double> under)
    {
        var logs = over.Zip(under, static (a, b) => Math.Log(a / b)).ToArray();
        var mean = logs.Average();
        var half = Student(logs.Length - 1) * Math.Sqrt(logs.Sum(l => (l - mean) * (l - mean)) / (logs.Length - 1) / logs.Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what}: {Percent(mean)}, 95 % interval {Percent(mean - half)} to {Percent(mean + half)}"));
    }

    private static string Percent(double log) => string.Create(CultureInfo.InvariantCulture, $"{(Math.Exp(log) - 1) * 100:+0.00;-0.00} %");

    /// <summary>The two-sided 97.5 % quantile of Student's t from the normal one (Cornish and Fisher): within 1 % from 5 degrees of freedom on.</summary>
    private static double Student(int freedom)
    {
        const double Normal = 1.959964;
        double n = freedom;
        return Normal + ((Math.Pow(Normal, 3) + Normal) / (4 * n)) + (((5 * Math.Pow(Normal, 5)) + (16 * Math.Pow(Normal, 3)) + (3 * Normal)) / (96 * n * n));
    }

    private static int Option(string[] args, string name, int otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }

    /// <summary>One of the three, and what its turns gave.</summary>
    private sealed record Arm(string Name, bool Chaos)
    {
        /// <summary>Requests a second.</summary>
        public List<double> Rates { get; } = [];

        /// <summary>CPU seconds of both sidecars for each request.</summary>
        public List<double> Costs { get; } = [];

        public async Task MeasureAsync(ProxyPair pair, SteadyLoad load, TimeSpan turn)
        {
            var before = pair.CpuSeconds();
            var (requests, took) = await load.RunAsync(turn);
            Rates.Add(requests / took.TotalSeconds);
            Costs.Add((pair.CpuSeconds() - before) / requests);
        }
    }
}
