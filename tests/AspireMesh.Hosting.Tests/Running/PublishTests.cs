using AspireMesh.Hosting.Lifecycle;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Tests.Running;

public class PublishTests
{
    [Fact]
    public async Task Publishing_plans_the_mesh_and_adds_no_resource()
    {
        var output = Directory.CreateTempSubdirectory("aspiremesh-publish-").FullName;
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = typeof(PublishTests).Assembly.GetName().Name, Args = ["--operation", "publish", "--step", "publish", "--output-path", output] });
        builder.Services.AddLogging(l => l.ClearProviders());
        var mesh = builder.AddServiceMesh();
        var back = builder.AddContainer("back", "back").WithHttpEndpoint(targetPort: 80);
        builder.AddContainer("front", "front").WithReference(back.GetEndpoint("http"));
        await using var app = builder.Build();
        var before = builder.Resources.ToArray();

        await app.Services.GetRequiredService<MeshRuntime>().BeforeStartAsync(app.Services.GetRequiredService<DistributedApplicationModel>(), builder.ExecutionContext, TestContext.Current.CancellationToken);

        Assert.Equal(before, builder.Resources);
        var plan = mesh.Resource.Annotations.OfType<MeshPlanAnnotation>().Single().Plan;
        Assert.Equal(["front->back.http"], plan.Model.Edges.Select(e => $"{e.From}->{e.To}.{e.Endpoint}"));
        // One description for all of a workload's pods; which there are is known in the cluster alone.
        Assert.True(plan.Model.SidecarsComeAndGo);
        Assert.All(plan.Model.Workloads, w => Assert.Equal(w.Name, Assert.Single(w.Sidecars).Instance));
    }
}
