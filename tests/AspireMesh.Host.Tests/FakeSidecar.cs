using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Net.Security;
using System.Text.Json;
using System.Threading.Channels;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace AspireMesh.Host.Tests;

/// <summary>Speaks the control protocol over real TLS, as a sidecar does, and shows the test what it is told.</summary>
internal sealed class FakeSidecar : IAsyncDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly SidecarBootstrap _bootstrap;
    private X509Certificate2Collection _roots = [];
    private GrpcChannel? _channel;
    private AsyncDuplexStreamingCall<SidecarMessage, ControlMessage>? _watch;
    private Task _reading = Task.CompletedTask;

    public FakeSidecar(SidecarBootstrap bootstrap)
    {
        _bootstrap = bootstrap;
        Trust(bootstrap.TrustBundle.Select(pem => X509Certificate2.CreateFromPem(pem)));
    }

    public SvidResponse? Svid { get; private set; }

    public X509Certificate2? Leaf { get; private set; }

    public Channel<MeshSnapshot> Snapshots { get; } = Channel.CreateUnbounded<MeshSnapshot>();

    /// <summary>How often the control plane asked for a renewal.</summary>
    public int RenewalsAsked { get; private set; }

    public Channel<TapChange> Taps { get; } = Channel.CreateUnbounded<TapChange>();

    public MeshSnapshot? Last { get; private set; }

    public SnapshotUpdate? LastUpdate { get; private set; }

    /// <summary>What it says it runs.</summary>
    public string ProxyVersion { get; set; } = "";

    /// <summary>What to answer a snapshot with: reasons for a nack, empty for an ack, null for silence.</summary>
    public Func<MeshSnapshot, string[]?> Answer { get; set; } = _ => [];

    public byte[] Csr() => new CertificateRequest("CN=anything", _key, HashAlgorithmName.SHA256).CreateSigningRequest();

    public async Task<SvidResponse> JoinAsync(string? token = null, string? workload = null, string? instance = null, byte[]? csr = null)
    {
        using var channel = Open(withSvid: false);
        Take(await new MeshControl.MeshControlClient(channel).JoinAsync(new JoinRequest
        {
            Workload = workload ?? _bootstrap.Workload,
            Instance = instance ?? _bootstrap.Instance,
            Token = token ?? _bootstrap.JoinToken,
            Csr = ByteString.CopyFrom(csr ?? Csr()),
        }));
        return Svid!;
    }

    public async Task RenewAsync(bool withSvid = true)
    {
        using var channel = Open(withSvid);
        Take(await new MeshControl.MeshControlClient(channel).RenewAsync(new RenewRequest { Csr = ByteString.CopyFrom(Csr()) }));
    }

    public async Task WatchAsync(string? instance = null, bool withSvid = true)
    {
        _channel = Open(withSvid);
        _watch = new MeshControl.MeshControlClient(_channel).Watch();
        await _watch.RequestStream.WriteAsync(new SidecarMessage
        {
            Hello = new Hello
            {
                Workload = _bootstrap.Workload,
                Instance = instance ?? _bootstrap.Instance,
                SnapshotVersion = LastUpdate?.Version ?? 0,
                SnapshotHash = LastUpdate?.Hash ?? "",
                ProxyVersion = ProxyVersion,
            },
        });
        _reading = ReadAsync(_watch);
    }

    /// <summary>Presents another sidecar's certificate from now on.</summary>
    public void UseSvidOf(FakeSidecar other) => (Svid, Leaf) = (other.Svid, other.Leaf);

    /// <summary>Opens a watch that is going to be refused; the refusal may come while the hello is still being sent.</summary>
    public async Task WatchToTheEndAsync(string? instance = null, bool withSvid = true)
    {
        await WatchAsync(instance, withSvid);
        await _reading;
    }

    public Task ReportAsync(SidecarReport report) =>
        _watch!.RequestStream.WriteAsync(new SidecarMessage { Report = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(report, MeshJson.Default.SidecarReport)) });

    public Task TapAsync(TapEvent tapped) =>
        _watch!.RequestStream.WriteAsync(new SidecarMessage { Tap = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(tapped, MeshJson.Default.TapEvent)) });

    public Task SendAsync(SidecarMessage message) => _watch!.RequestStream.WriteAsync(message);

    /// <summary>The next snapshot that fulfils a condition.</summary>
    public async Task<MeshSnapshot> NextAsync(Func<MeshSnapshot, bool>? condition = null)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var snapshot = await Snapshots.Reader.ReadAsync(limit.Token);
            if (condition?.Invoke(snapshot) != false) return snapshot;
        }
    }

    /// <summary>Goes away without a word, as a killed process does.</summary>
    public void Drop()
    {
        _watch?.Dispose();
        _channel?.Dispose();
        (_watch, _channel) = (null, null);
    }

    public async ValueTask DisposeAsync()
    {
        Drop();
        await Task.WhenAny(_reading);
        _key.Dispose();
    }

    public GrpcChannel Open(bool withSvid)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            SvidValidator.TryValidate((X509Certificate2?)certificate, chain!.ChainPolicy.ExtraStore, _roots, TrustDomain.Parse(_bootstrap.TrustDomain), TimeProvider.System.GetUtcNow(), out var id, out _)
            && id.Path.EndsWith("/sa/aspiremesh-control-plane", StringComparison.Ordinal);
        if (withSvid && Leaf is not null)
        {
            var above = new X509Certificate2Collection();
            foreach (var certificate in Svid!.Chain.Skip(1)) above.Add(X509CertificateLoader.LoadCertificate(certificate.Span));
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(Leaf, above, offline: true);
        }
        return GrpcChannel.ForAddress(_bootstrap.ControlPlane, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    private void Take(SvidResponse svid)
    {
        Svid = svid;
        Leaf = X509CertificateLoader.LoadCertificate(svid.Chain[0].Span).CopyWithPrivateKey(_key);
        Trust(svid.Bundle.Select(root => X509CertificateLoader.LoadCertificate(root.Span)));
    }

    private void Trust(IEnumerable<X509Certificate2> roots) => _roots = [.. roots];

    private async Task ReadAsync(AsyncDuplexStreamingCall<SidecarMessage, ControlMessage> watch)
    {
        await foreach (var message in watch.ResponseStream.ReadAllAsync())
        {
            if (message.RenewNow is not null)
            {
                RenewalsAsked++;
                await RenewAsync();
            }
            if (message.Tap is not null) await Taps.Writer.WriteAsync(message.Tap);
            if (message.Snapshot is not { } update) continue;
            var snapshot = JsonSerializer.Deserialize(update.Json.Span, MeshJson.Default.MeshSnapshot)!;
            (Last, LastUpdate) = (snapshot, update);
            Trust(snapshot.TrustBundle.Select(pem => X509Certificate2.CreateFromPem(pem)));
            var answer = Answer(snapshot);
            if (answer is { Length: 0 }) await watch.RequestStream.WriteAsync(new SidecarMessage { Ack = new Ack { Version = update.Version } });
            if (answer is { Length: > 0 }) await watch.RequestStream.WriteAsync(new SidecarMessage { Nack = new Nack { Version = update.Version, Errors = { answer } } });
            // Last, so that a test that has seen the snapshot knows that it was answered.
            await Snapshots.Writer.WriteAsync(snapshot);
        }
    }
}
