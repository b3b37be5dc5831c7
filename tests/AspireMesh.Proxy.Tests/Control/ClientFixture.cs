using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Telemetry;
using AspireMesh.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Proxy.Tests.Control;

/// <summary>A control client against a fake control plane.</summary>
internal sealed class ClientFixture : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    private ClientFixture(TestCertificates certificates, FakeControlPlane plane, SidecarBootstrap bootstrap, TimeProvider time)
    {
        Certificates = certificates;
        Plane = plane;
        Statistics = new SidecarStatistics(() => null);
        Client = new MeshControlClient(bootstrap, new Uplink(Statistics, Taps, time), time, seed: 7, NullLogger.Instance);
        State = new SidecarState(bootstrap, new RuntimeHolder(), Client);
    }

    public TestCertificates Certificates { get; }

    public FakeControlPlane Plane { get; }

    public MeshControlClient Client { get; }

    public SidecarState State { get; }

    public RecordingSink Sink { get; } = new();

    public SidecarStatistics Statistics { get; }

    public TapPoint Taps { get; } = new();

    public static async Task<ClientFixture> StartAsync(Func<FakeControlPlane, SidecarBootstrap>? bootstrap = null, TimeProvider? time = null)
    {
        var certificates = new TestCertificates();
        var plane = new FakeControlPlane(certificates);
        await plane.StartAsync();
        return new ClientFixture(certificates, plane, bootstrap?.Invoke(plane) ?? plane.Bootstrap(), time ?? TimeProvider.System);
    }

    public async Task JoinAndRunAsync()
    {
        await Client.JoinAsync(default);
        _running = Client.RunAsync(Sink, State, _stop.Token);
        await Plane.NextAsync(Protocol.Control.SidecarMessage.KindOneofCase.Hello);
    }

    public MeshSnapshot Snapshot(long version) => new()
    {
        Version = version,
        Workload = "web",
        Instance = "web-1",
        Identity = Certificates.IdOf("web"),
        TrustBundle = [Certificates.RootPem],
        Inbound = new InboundSnapshot { Listen = "127.0.0.1:0" },
    };

    /// <summary>Waits until something holds; fails after a generous while.</summary>
    public static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!holds()) await Task.Delay(10, patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await Client.DisposeAsync();
        await Plane.DisposeAsync();
        _stop.Dispose();
    }
}
