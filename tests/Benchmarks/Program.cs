using AspireMesh.Benchmarks.Balance;
using AspireMesh.Benchmarks.Control;
using AspireMesh.Benchmarks.Faults;
using AspireMesh.Benchmarks.Footprint;
using AspireMesh.Benchmarks.Pair;
using AspireMesh.Benchmarks.Rotation;
using AspireMesh.Benchmarks.Start;

string[] verbs = ["pair", "footprint", "start", "control", "rotation", "killed", "balance", "faults", "chaos-pair"];
var verb = args.FirstOrDefault(a => !a.StartsWith('-'));
switch (verb)
{
    case "pair":
        return await PairBenchmark.RunAsync(args);
    case YarpHop.Verb:
        return await YarpHop.RunAsync(args);
    case "footprint":
        return await FootprintBenchmark.RunAsync(args);
    case "start":
        return await StartBenchmark.RunAsync(args);
    case "control":
        return await ControlBenchmark.RunAsync(args);
    case "rotation":
        return await RotationBenchmark.RunAsync(args);
    case "killed":
        return await KilledBenchmark.RunAsync(args);
    case "balance":
        return await BalanceBenchmark.RunAsync(args);
    case "faults":
        return FaultCheckBenchmark.Run();
    case "chaos-pair":
        return await ChaosPairBenchmark.RunAsync(args);
    default:
        Console.Error.WriteLine($"usage: dotnet run -c Release --project tests/Benchmarks -- {string.Join('|', verbs)} [--json]");
        return 2;
}
