using AspireMesh.TestKit;

namespace AspireMesh.Hosting.Tests.Running;

/// <summary>A resource in a container, where an engine answers. The image is made here: no registry is asked.</summary>
public class ContainerTests
{
    private const string Image = "aspiremesh-test-box";

    [Fact]
    public async Task A_container_is_called_through_the_mesh_and_ends_with_the_application()
    {
        if (await BoxImage.ImportAsync($"{Image}:1") is { } problem) Assert.Skip(problem);
        var name = $"aspiremesh-test-{Guid.NewGuid():N}";
        await using (var mesh = new MeshApp())
        {
            var box = mesh.Builder.AddContainer("box", Image, "1").WithContainerName(name).WithHttpEndpoint(targetPort: 80).WithEntrypoint(BoxImage.Command[0]).WithArgs([.. BoxImage.Command.Skip(1)]).WithHttpHealthCheck("/");
            var front = mesh.Service("front").WithReference(box.GetEndpoint("http")).WaitFor(box);
            await mesh.StartAsync("front", "box");

            Assert.StartsWith($"200 {BoxImage.Text}", await mesh.GetAsync(front, "/call/services__box__http__0/"));
            await mesh.StatusAsync(s => s.Edges.Single() is { Requests: >= 1, Mtls: true });
        }
        Assert.DoesNotContain(name, await BoxImage.DockerAsync(Stream.Null, "ps", "--all", "--format", "{{.Names}}"), StringComparison.Ordinal);
    }
}
