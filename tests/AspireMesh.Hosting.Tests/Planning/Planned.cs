using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Tests.Planning;

/// <summary>An AppHost that is planned and never started. Ports count up from 9001.</summary>
internal sealed class Planned
{
    /// <summary>A port that somebody else listens on.</summary>
    public const int TakenPort = 8999;

    /// <summary>Where containers reach this machine.</summary>
    public BridgeGateway Bridge { get; set; } = new("172.17.0.1", null);

    public IDistributedApplicationBuilder Builder { get; init; } = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = typeof(Planned).Assembly.GetName().Name });

    public IResourceBuilder<ExecutableResource> Http(string name) => Builder.AddExecutable(name, "app", ".").WithHttpEndpoint(name: "http");

    public IResourceBuilder<ExecutableResource> Server(string name, string scheme = "tcp") => Builder.AddExecutable(name, "server", ".").WithEndpoint(name: "tcp", scheme: scheme);

    public IResourceBuilder<MeshResource> Mesh() => Builder.AddServiceMesh();

    /// <summary>The variable that names a proxy where the AppHost was started.</summary>
    public string? InheritedProxy { get; set; }

    public async Task<MeshPlan> PlanAsync(Func<IResource, int>? sidecarsOf = null)
    {
        var mesh = Builder.Resources.OfType<MeshResource>().SingleOrDefault() ?? Builder.AddServiceMesh().Resource;
        var port = 9000;
        return await MeshPlanner.PlanAsync(
            new PlanRequest
            {
                Mesh = mesh,
                AppHost = "test",
                DefaultTrustDomain = "test.mesh",
                Resources = [.. Builder.Resources],
                Context = Builder.ExecutionContext,
                SidecarsOf = sidecarsOf ?? (_ => 1),
                NextPort = () => ++port,
                GatewayCertificate = () => ("made for the test", false),
                InheritedProxy = InheritedProxy,
                IsPortFree = p => p != TakenPort,
                BridgeGateway = _ => Task.FromResult(Bridge),
            },
            TestContext.Current.CancellationToken);
    }

    public async Task<string> TextAsync(Func<IResource, int>? sidecarsOf = null) => PlanText.Of(await PlanAsync(sidecarsOf));
}
