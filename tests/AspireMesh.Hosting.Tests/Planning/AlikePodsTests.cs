using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Tests.Planning;

/// <summary>A chart's pods are alike: replicas that the AppHost tells apart are told of when it is published.</summary>
public class AlikePodsTests
{
    [Fact]
    public async Task Weights_and_labels_of_single_replicas_are_named_when_published()
    {
        var app = Published();
        Replicas(app, "sized").WithMeshReplicas((s, i) => s with { Weight = i == 0 ? 3 : 1 });
        Replicas(app, "marked").WithMeshReplicas((s, i) => s with { Labels = s.Labels.Add("version", i == 0 ? "v2" : "v1") });

        var warnings = (await app.PlanAsync()).Warnings;

        Assert.Equal(["MESH0704", "MESH0704"], warnings.Select(w => w.Id));
        Assert.Contains("'sized'", warnings[0].ToString(), StringComparison.Ordinal);
        Assert.Contains("'marked'", warnings[1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replicas_that_are_said_to_be_alike_are_published_without_a_word()
    {
        var app = Published();
        Replicas(app, "same").WithMeshReplicas((s, _) => s with { Weight = 2, Labels = s.Labels.Add("zone", "east") });
        app.Http("single").WithMeshReplicas((s, i) => s with { Weight = i + 1 });

        Assert.Empty((await app.PlanAsync()).Warnings);
    }

    private static Planned Published() => new()
    {
        Builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            DisableDashboard = true,
            AssemblyName = typeof(Planned).Assembly.GetName().Name,
            Args = ["--operation", "publish", "--step", "publish"],
        }),
    };

    private static IResourceBuilder<ExecutableResource> Replicas(Planned app, string name) => app.Http(name).PublishAsDockerFile().WithAnnotation(new ReplicaAnnotation(2));
}
