using AspireMesh.Benchmarks.Pair;

string[] verbs = ["pair"];
var verb = args.FirstOrDefault(a => !a.StartsWith('-'));
switch (verb)
{
    case "pair":
        return await PairBenchmark.RunAsync(args);
    default:
        Console.Error.WriteLine($"usage: dotnet run -c Release --project tests/Benchmarks -- {string.Join('|', verbs)} [--json]");
        return 2;
}
