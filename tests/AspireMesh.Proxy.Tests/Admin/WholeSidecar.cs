using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Control;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Admin;

/// <summary>A sidecar as the executable runs it, against a fake control plane.</summary>
internal sealed class WholeSidecar : IAsyncDisposable
{
    private readonly TestCertificates _certificates = new();
    private Task _starting = Task.CompletedTask;

    private WholeSidecar() => Plane = new FakeControlPlane(_certificates);

    public FakeControlPlane Plane { get; }

    public MeshSidecar Sidecar { get; private set; } = null!;

    public static async Task<WholeSidecar> StartAsync()
    {
        var whole = new WholeSidecar();
        await whole.Plane.StartAsync();
        whole.Sidecar = new MeshSidecar(whole.Plane.Bootstrap() with { Admin = $"127.0.0.1:{FreePort.Next()}" }, new MeshSidecarOptions());
        whole._starting = whole.Sidecar.StartAsync(default);
        return whole;
    }

    public MeshSnapshot Snapshot() => new()
    {
        Version = 1,
        Workload = "web",
        Instance = "web-1",
        Identity = _certificates.IdOf("web"),
        TrustBundle = [_certificates.RootPem],
        Inbound = new InboundSnapshot { Listen = $"127.0.0.1:{FreePort.Next()}" },
    };

    public string GatewayPem()
    {
        using var certificate = _certificates.Issue(new SvidShape { DnsNames = ["localhost"] });
        return certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
    }

    public async ValueTask DisposeAsync()
    {
        await Sidecar.DisposeAsync();
        await ((Task)_starting.ContinueWith(_ => { }, TaskScheduler.Default));
        await Plane.DisposeAsync();
    }
}
