using System.Collections.Immutable;
using AspireMesh.Protocol.Faults;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Benchmarks.Faults;

/// <summary>What the chaos check costs a request: both questions that an attempt asks, with no fault in the mesh, one on another edge, and one that spares this request.</summary>
[MemoryDiagnoser]
public class FaultCheckBenchmark
{
    private readonly HttpRequest _request = new DefaultHttpContext().Request;
    private EdgeFaults? _none;
    private EdgeFaults? _elsewhere;
    private EdgeFaults? _spared;

    /// <summary>Compiles the three edges.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var services = new FaultServices(TimeProvider.System, static (_, _) => { }, static _ => { });
        var edge = new FaultEdge("web", "api", "http");
        var rule = new FaultRule { Id = "f", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 503 } };
        _none = EdgeFaults.Compile([], FaultSide.Outbound, edge, null, services);
        _elsewhere = EdgeFaults.Compile([rule with { To = "other" }], FaultSide.Outbound, edge, null, services);
        _spared = EdgeFaults.Compile([rule with { Activation = new FaultActivation { Percent = 0 } }], FaultSide.Outbound, edge, null, services);
    }

    /// <summary>No fault in the mesh.</summary>
    [Benchmark(Baseline = true)]
    public bool NoFault() => Ask(_none);

    /// <summary>A fault on another edge.</summary>
    [Benchmark]
    public bool FaultElsewhere() => Ask(_elsewhere);

    /// <summary>A fault on this edge that spares the request.</summary>
    [Benchmark]
    public bool FaultSpares() => Ask(_spared);

    /// <summary>Runs them in this process.</summary>
    public static int Run()
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddLogger(ConsoleLogger.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "aspiremesh-benchmarks"))
            .WithOptions(ConfigOptions.DisableOptimizationsValidator);
        BenchmarkRunner.Run<FaultCheckBenchmark>(config);
        return 0;
    }

    private bool Ask(EdgeFaults? faults) =>
        (faults is not null && faults.Decide(FaultStage.Discovery, _request, CallerIdentity.Unknown) is not null)
        | (faults is not null && faults.Decide(FaultStage.Request, _request, CallerIdentity.Unknown) is not null);
}
