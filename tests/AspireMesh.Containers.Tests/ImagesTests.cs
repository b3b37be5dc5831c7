using System.Diagnostics;
using System.Text.Json;
using AspireMesh.Host;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Model;
using AspireMesh.TestKit;

namespace AspireMesh.Containers.Tests;

/// <summary>The images as the SDK made them (<c>.ci/images FOLDER</c>), run by an engine as a cluster would: any user, nothing to write, no rights.</summary>
public sealed class ImagesTests
{
    private const string FolderVariable = "ASPIREMESH_IMAGES";
    private const string AnyUser = "1234560000:0";
    private static readonly string[] Bare = ["run", "--rm", "--user", AnyUser, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

    [Fact]
    public async Task The_proxys_image_joins_as_any_user_with_a_read_only_root_and_no_rights_and_is_healthy()
    {
        var image = await LoadAsync("proxy");
        var gateway = (await DockerAsync("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")).Trim();
        await using var control = new MeshControlPlane(new ControlPlaneOptions { Name = "images", TrustDomain = "images.mesh", ControlListen = $"{gateway}:0", RunDirectory = "" });
        control.ApplyModel(new MeshModel
        {
            Name = "images",
            TrustDomain = "images.mesh",
            Workloads = [new WorkloadModel { Name = "api", Sidecars = [new SidecarModel { Instance = "api", Inbound = "0.0.0.0:15006", Admin = "0.0.0.0:15021" }] }],
        });
        await control.StartAsync(CancellationToken.None);
        var folder = Directory.CreateTempSubdirectory("aspiremesh-image-");
        var container = $"aspiremesh-image-{Environment.ProcessId}";
        try
        {
            // Whoever the user in the container is has to be able to read it.
            var bootstrap = Path.Combine(folder.FullName, "bootstrap.json");
            File.WriteAllText(bootstrap, JsonSerializer.Serialize(control.CreateBootstrap("api"), MeshJson.Default.SidecarBootstrap));
            File.SetUnixFileMode(folder.FullName, (UnixFileMode)Convert.ToInt32("755", 8));
            File.SetUnixFileMode(bootstrap, (UnixFileMode)Convert.ToInt32("644", 8));
            await DockerAsync([.. Bare, "--detach", "--name", container, "--volume", $"{folder.FullName}:/etc/aspiremesh:ro", "--env", "ASPIREMESH_BOOTSTRAP=/etc/aspiremesh/bootstrap.json", image]);
            var address = (await DockerAsync("inspect", container, "--format", "{{.NetworkSettings.Networks.bridge.IPAddress}}")).Trim();
            using var http = new HttpClient();
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            while (!control.IsConnected("api") || !await AnswersAsync(http, $"http://{address}:15021/healthz"))
            {
                if (limit.IsCancellationRequested) Assert.Fail($"Not healthy. It said: {await DockerAsync("logs", container)}");
                await Task.Delay(100, CancellationToken.None);
            }
        }
        finally
        {
            await TryDockerAsync("rm", "--force", container);
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("tool", "--version", "0.1.0")]
    [InlineData("tool", "serve --kubernetes", "serve --kubernetes needs POD_NAME")]
    [InlineData("proxy", "intercept", "aspiremesh-proxy intercept --port PORT --user UID")]
    [InlineData("intercept", "intercept --port 15001 --user 15002", "The container needs the capability NET_ADMIN")]
    public async Task An_image_runs_its_program_as_any_user(string archive, string arguments, string expected)
    {
        var image = await LoadAsync(archive);
        var (_, text) = await TryDockerAsync([.. Bare, image, .. arguments.Split(' ')]);
        Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_interceptions_image_puts_the_rules_in_with_the_one_capability_it_asks_for()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "the rules in another network namespace are root's to read");
        var image = await LoadAsync("intercept");
        // A pod's network is one container's, and the others join it.
        const string Box = "aspiremesh-image-box:1";
        var problem = await BoxImage.ImportAsync(Box);
        Assert.SkipWhen(problem is not null, problem ?? "");
        var pod = $"aspiremesh-image-pod-{Environment.ProcessId}";
        try
        {
            await DockerAsync(["run", "--detach", "--name", pod, Box, .. BoxImage.Command]);
            var (code, text) = await TryDockerAsync("run", "--rm", "--network", $"container:{pod}", "--user", "0", "--read-only", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--security-opt", "no-new-privileges", image, "intercept", "--port", "15001", "--user", "15002");
            Assert.True(code == 0, text);
            var process = (await DockerAsync("inspect", pod, "--format", "{{.State.Pid}}")).Trim();
            var (_, rules) = await RunAsync("nsenter", "--target", process, "--net", "iptables-save", "--table", "nat");
            Assert.Contains("-A OUTPUT -p tcp -j ASPIREMESH_OUTPUT", rules, StringComparison.Ordinal);
            Assert.Contains("-A ASPIREMESH_OUTPUT -m owner --uid-owner 15002 -j RETURN", rules, StringComparison.Ordinal);
            Assert.Contains("-A ASPIREMESH_OUTPUT -p tcp -j REDIRECT --to-ports 15001", rules, StringComparison.Ordinal);
        }
        finally
        {
            await TryDockerAsync("rm", "--force", pod);
            await TryDockerAsync("image", "rm", Box);
        }
    }

    private static async Task<string> LoadAsync(string archive)
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(string.IsNullOrEmpty(folder), $"no image archives: make them with .ci/images FOLDER, and set {FolderVariable} to the folder");
        var (engine, why) = await TryDockerAsync("version");
        Assert.SkipWhen(engine != 0, $"no container engine answers: {why.Split('\n')[0]}");
        var said = await DockerAsync("load", "--input", Path.Combine(folder!, $"{archive}.tar.gz"));
        return said[(said.IndexOf("Loaded image: ", StringComparison.Ordinal) + "Loaded image: ".Length)..].Trim();
    }

    private static async Task<bool> AnswersAsync(HttpClient http, string address)
    {
        try
        {
            using var answer = await http.GetAsync(address);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static Task<string> DockerAsync(params string[] arguments) => BoxImage.DockerAsync(Stream.Null, arguments);

    private static Task<(int Code, string Text)> TryDockerAsync(params string[] arguments) => RunAsync("docker", arguments);

    private static async Task<(int Code, string Text)> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await error);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (127, e.Message);
        }
    }
}
