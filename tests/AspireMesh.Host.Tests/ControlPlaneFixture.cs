using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Tests;

/// <summary>A real control plane on free ports, without run file.</summary>
internal sealed class ControlPlaneFixture : IAsyncDisposable
{
    private readonly List<FakeSidecar> _sidecars = [];

    private ControlPlaneFixture(MeshControlPlane mesh) => Mesh = mesh;

    public MeshControlPlane Mesh { get; }

    public static async Task<ControlPlaneFixture> StartAsync(MeshModel? model = null, Func<ControlPlaneOptions, ControlPlaneOptions>? configure = null)
    {
        var options = new ControlPlaneOptions { Name = "shop", TrustDomain = Meshes.TrustDomain, RunDirectory = "" };
        var mesh = new MeshControlPlane(configure?.Invoke(options) ?? options);
        mesh.ApplyModel(model ?? Meshes.Shop);
        await mesh.StartAsync(CancellationToken.None);
        return new ControlPlaneFixture(mesh);
    }

    /// <summary>A sidecar that has not joined.</summary>
    public FakeSidecar Sidecar(string instance)
    {
        var sidecar = new FakeSidecar(Mesh.CreateBootstrap(instance));
        _sidecars.Add(sidecar);
        return sidecar;
    }

    /// <summary>A sidecar that has joined, watches and has its first snapshot.</summary>
    public async Task<FakeSidecar> ConnectAsync(string instance)
    {
        var sidecar = Sidecar(instance);
        await sidecar.JoinAsync();
        await sidecar.WatchAsync();
        await sidecar.NextAsync();
        return sidecar;
    }

    /// <summary>Waits for a state that follows from what was sent, however long the machine takes.</summary>
    public async Task UntilAsync(Func<MeshControlPlane, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var changed = new SemaphoreSlim(0);
        void Signal(string instance) => changed.Release();
        Mesh.SidecarChanged += Signal;
        try
        {
            while (!condition(Mesh)) await changed.WaitAsync(limit.Token);
        }
        finally
        {
            Mesh.SidecarChanged -= Signal;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars) await sidecar.DisposeAsync();
        await Mesh.DisposeAsync();
    }
}
