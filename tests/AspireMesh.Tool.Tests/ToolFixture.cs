using AspireMesh.Host;
using AspireMesh.Host.Tests;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Tool.Tests;

/// <summary>A run directory of its own, real control planes in it, and the real command line.</summary>
internal sealed class ToolFixture : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _running = [];

    public string RunDirectory { get; } = Directory.CreateTempSubdirectory("aspiremesh-run-").FullName;

    public async Task<MeshControlPlane> StartAsync(MeshModel? model = null, string name = "shop", Func<ControlPlaneOptions, ControlPlaneOptions>? configure = null)
    {
        var options = new ControlPlaneOptions { Name = name, TrustDomain = Meshes.TrustDomain, RunDirectory = RunDirectory };
        var mesh = new MeshControlPlane(configure?.Invoke(options) ?? options);
        _running.Add(mesh);
        mesh.ApplyModel(model ?? Meshes.Shop);
        await mesh.StartAsync(CancellationToken.None);
        return mesh;
    }

    public async Task<FakeSidecar> ConnectAsync(MeshControlPlane mesh, string instance)
    {
        var sidecar = new FakeSidecar(mesh.CreateBootstrap(instance));
        _running.Insert(0, sidecar);
        await sidecar.JoinAsync();
        await sidecar.WatchAsync();
        await sidecar.NextAsync();
        return sidecar;
    }

    public Task<ToolResult> RunAsync(params string[] args) => RunAsync(CancellationToken.None, args);

    public async Task<ToolResult> RunAsync(CancellationToken cancellationToken, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await MeshTool.RunAsync(args, new ToolTerminal(output, error, redirected: true, runDirectory: RunDirectory), cancellationToken);
        return new ToolResult(code, output.ToString(), error.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var running in _running) await running.DisposeAsync();
        Directory.Delete(RunDirectory, recursive: true);
    }
}

/// <summary>How a command ended.</summary>
internal sealed record ToolResult(int Code, string Out, string Error);
