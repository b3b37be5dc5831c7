using AspireMesh.Host.Distribution;
using AspireMesh.Host.Policy;
using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Tests.Distribution;

public class ScaleTests
{
    private const int Workloads = 1000;
    private const int References = 5;

    [Fact]
    public async Task A_change_reaches_only_those_that_reference_it_among_a_thousand()
    {
        var registry = new SidecarRegistry(TimeProvider.System, () => "root");
        var model = Large();
        Assert.Empty(ModelChecks.Run(model));
        registry.Update(_ => new CompileInput { Index = new ModelIndex(model), TrustBundle = ["(root)"] });
        var sent = new long[Workloads];
        var connections = new List<(SidecarConnection Connection, Task Running)>();
        for (var i = 0; i < Workloads; i++)
        {
            var (at, connection) = (i, new SidecarConnection());
            Assert.True(registry.Connect($"w{i}", new Hello { Instance = $"w{i}", Workload = $"w{i}" }, new ShownSvid(DateTimeOffset.MaxValue, null), connection));
            connections.Add((connection, connection.RunAsync(message => { if (message.Snapshot is { } s) sent[at] += s.Json.Length; return Task.CompletedTask; }, CancellationToken.None)));
        }
        var first = registry.Pushed;

        registry.Update(input => input! with { Unhealthy = input.Unhealthy.Add("w7") }, index => index.AffectedBy("w7"));
        var second = registry.Pushed;
        registry.CloseAll();
        await Task.WhenAll(connections.Select(c => c.Running));

        Assert.Equal((Workloads, References), (first, second - first));
        Assert.All(sent, bytes => Assert.True(bytes > 0));
    }

    [Fact]
    public void A_snapshot_does_not_grow_with_the_mesh()
    {
        var small = Large(10);
        var large = Large();
        int Size(MeshModel m) => new CompiledSnapshot(SnapshotCompiler.Compile(new CompileInput { Index = new ModelIndex(m) }, "w9")! with { Version = 1 }).Update.Json.Length;

        // Only the names of callees are longer.
        Assert.InRange(Size(large), Size(small), Size(small) + 200);
    }

    private static MeshModel Large(int count = Workloads) => new()
    {
        Name = "large",
        TrustDomain = "large.mesh",
        Workloads = [.. Enumerable.Range(0, count).Select(i => Workload(i))],
        Edges = [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Range(1, References).Select(r => Meshes.Edge($"w{i}", $"w{(i + r) % count}", "http", 20000 + r)))],
    };

    // Each on a machine of its own, as in a cluster, so that ports may repeat.
    private static WorkloadModel Workload(int i) => new()
    {
        Name = $"w{i}",
        Endpoints = [new EndpointModel { Name = "http" }],
        Sidecars = [new SidecarModel { Instance = $"w{i}", Inbound = $"10.0.{i / 250}.{(i % 250) + 1}:15006", Admin = "127.0.0.1:15000" }],
    };
}
