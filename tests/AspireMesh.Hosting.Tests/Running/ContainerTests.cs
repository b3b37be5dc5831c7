using AspireMesh.Policies.Tests;
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
#if ASPIRE_SIMULATOR
        Assert.DoesNotContain(name, await NamesAsync(), StringComparison.Ordinal);
#else
        // Aspire's orchestrator removes its containers after the application has gone.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await NamesAsync()).Contains(name, StringComparison.Ordinal)) await Task.Delay(100, patience.Token);
#endif

        static Task<string> NamesAsync() => BoxImage.DockerAsync(Stream.Null, "ps", "--all", "--format", "{{.Names}}");
    }

    [Fact]
    public async Task A_container_calls_through_its_sidecar_and_its_neighbours_cannot_use_it()
    {
        if (await BoxImage.ImportAsync($"{Image}:1") is { } problem) Assert.Skip(problem);
        await using var mesh = new MeshApp();
        var back = mesh.Service("back");
        // It calls at once: nothing in it waits until the mesh knows the container's address.
        var box = mesh.Builder.AddContainer("box", Image, "1").WithHttpEndpoint(targetPort: 80).WithHttpHealthCheck("/answer").WaitFor(back)
            .WithEnvironment("BACK", back.GetEndpoint("http"))
            .WithEntrypoint("/bin/busybox").WithArgs("sh", "-c", "/bin/busybox wget -O /www/answer $BACK/env/NAME; exec /bin/busybox httpd -f -p 80 -h /www");
        await mesh.StartAsync("back", "box");

        Assert.Equal("back", await mesh.GetAsync(box, "/answer"));
        await mesh.StatusAsync(s => s.Edges.Single() is { From: "box", To: "back", Requests: >= 1, Mtls: true });

        var listener = mesh.Runtime.Plan!.Edges.Single().Listener.Text(EndpointProperty.Url);
        var neighbour = await Assert.ThrowsAsync<InvalidOperationException>(() => BoxImage.DockerAsync(Stream.Null, "run", "--rm", $"{Image}:1", "/bin/busybox", "wget", "-O", "-", $"{listener}/env/NAME"));
        Assert.Contains("reset", neighbour.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_container_calls_out_of_the_mesh_through_its_sidecar_which_refuses_what_is_not_declared()
    {
        if (await BoxImage.ImportAsync($"{Image}:1") is { } problem) Assert.Skip(problem);
        await using var partner = new PartnerService();
        await partner.StartAsync(TestContext.Current.CancellationToken);
        await using var mesh = new MeshApp();
        mesh.Mesh.WithoutUndeclaredEgress();
        var bank = mesh.Builder.AddExternalService("bank", new Uri($"https://localhost:{partner.Port}/")).WithTrustedRoots(partner.RootPem);
        // busybox's wget takes the proxy from its variable, but knows nothing of NO_PROXY: -Y off is what others do by themselves.
        var box = mesh.Builder.AddContainer("box", Image, "1").WithHttpEndpoint(targetPort: 80).WithHttpHealthCheck("/answer").WithReference(bank)
            .WithEntrypoint("/bin/busybox").WithArgs("sh", "-c", "/bin/busybox wget -O - http://undeclared.test/ 2>/www/refused; /bin/busybox wget -Y off -O /www/answer ${services__bank__https__0}pay; exec /bin/busybox httpd -f -p 80 -h /www");
        await mesh.StartAsync("box");

        Assert.StartsWith($"https localhost:{partner.Port}/pay", await mesh.GetAsync(box, "/answer"));
        Assert.Contains("403 Forbidden", await mesh.GetAsync(box, "/refused"));
        await mesh.StatusAsync(s => s.Edges.Single() is { From: "box", To: "bank", Requests: >= 1 });

        var proxy = mesh.Runtime.Plan!.Workloads.Single().Egress!.Text(EndpointProperty.Url);
        var neighbour = await Assert.ThrowsAsync<InvalidOperationException>(() => BoxImage.DockerAsync(Stream.Null, "run", "--rm", $"{Image}:1", "/bin/busybox", "wget", "-Y", "off", "-O", "-", proxy));
        Assert.Contains("reset", neighbour.Message, StringComparison.OrdinalIgnoreCase);
    }
}
