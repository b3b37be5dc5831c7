using System.Diagnostics;
using System.Formats.Tar;

namespace AspireMesh.Hosting.Tests.Running;

/// <summary>A resource in a container, where an engine answers. The image is made here: no registry is asked.</summary>
public class ContainerTests
{
    private const string Image = "aspiremesh-test-box";

    [Fact]
    public async Task A_container_is_called_through_the_mesh_and_ends_with_the_application()
    {
        await ImportImageAsync();
        var name = $"aspiremesh-test-{Guid.NewGuid():N}";
        await using (var mesh = new MeshApp())
        {
            var box = mesh.Builder.AddContainer("box", Image, "1").WithContainerName(name).WithHttpEndpoint(targetPort: 80).WithEntrypoint("/bin/busybox").WithArgs("httpd", "-f", "-p", "80", "-h", "/www").WithHttpHealthCheck("/");
            var front = mesh.Service("front").WithReference(box.GetEndpoint("http")).WaitFor(box);
            await mesh.StartAsync("front", "box");

            Assert.StartsWith("200 hello from the box", await mesh.GetAsync(front, "/call/services__box__http__0/"));
            await mesh.StatusAsync(s => s.Edges.Single() is { Requests: >= 1, Mtls: true });
        }
        Assert.DoesNotContain(name, await DockerAsync(null, "ps", "--all", "--format", "{{.Names}}"), StringComparison.Ordinal);
    }

    private static async Task ImportImageAsync()
    {
        var busybox = new[] { "/bin/busybox", "/usr/bin/busybox" }.FirstOrDefault(File.Exists);
        if (busybox is null) Assert.Skip("No busybox for the container's root. Install it: apt-get install busybox-static");
        using var root = new MemoryStream();
        using (var tar = new TarWriter(root, leaveOpen: true))
        {
            await tar.WriteEntryAsync(busybox, "bin/busybox");
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "www/index.html") { DataStream = new MemoryStream("hello from the box"u8.ToArray()), Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead });
        }
        root.Position = 0;
        try
        {
            await DockerAsync(root, "import", "-", $"{Image}:1");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            Assert.Skip($"No container engine answers: {e.Message}");
        }
    }

    private static async Task<string> DockerAsync(Stream? input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("docker", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            if (input is not null) await input.CopyToAsync(process.StandardInput.BaseStream);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read everything; what it said tells why.
            process.StandardInput.BaseStream.Dispose();
        }
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
    }
}
