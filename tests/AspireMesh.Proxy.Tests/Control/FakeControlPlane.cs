using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Threading.Channels;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.TestKit;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Tests.Control;

/// <summary>A control plane that does what a test says, over a real port with real TLS.</summary>
internal sealed class FakeControlPlane : MeshControl.MeshControlBase, IAsyncDisposable
{
    private readonly TestCertificates _certificates;
    private readonly X509Certificate2 _server;
    private readonly Channel<SidecarMessage> _received = Channel.CreateUnbounded<SidecarMessage>();
    private readonly Channel<ControlMessage> _toSend = Channel.CreateUnbounded<ControlMessage>();
    private WebApplication? _app;

    public FakeControlPlane(TestCertificates certificates, X509Certificate2? server = null, int port = 0)
    {
        _certificates = certificates;
        _server = server ?? certificates.Svid("aspiremesh-control-plane");
        Port = port;
    }

    public int Port { get; private set; }

    /// <summary>What the sidecar sent on its streams.</summary>
    public ChannelReader<SidecarMessage> Received => _received.Reader;

    /// <summary>The workload in each Join, with its token.</summary>
    public ConcurrentQueue<(string Workload, string Token)> Joins { get; } = new();

    /// <summary>The key in each Join, as hexadecimal digits.</summary>
    public ConcurrentQueue<string> JoinKeys { get; } = new();

    /// <summary>The subject keys of the certificates that callers of Renew presented.</summary>
    public ConcurrentQueue<string> Renewals { get; } = new();

    /// <summary>Throws to refuse a join; returns the life of the SVID otherwise.</summary>
    public Func<TimeSpan> OnJoin { get; set; } = () => TimeSpan.FromHours(1);

    /// <summary>Likewise for a renewal.</summary>
    public Func<TimeSpan> OnRenew { get; set; } = () => TimeSpan.FromHours(1);

    /// <summary>Throws to refuse a stream.</summary>
    public Action OnWatch { get; set; } = () => { };

    /// <summary>Whether certificates are made for a key that is not the sidecar's.</summary>
    public bool IssueForAnotherKey { get; set; }

    /// <summary>The clock that certificates are made by.</summary>
    public Func<DateTimeOffset> Now { get; set; } = () => DateTimeOffset.UtcNow;

    public SidecarBootstrap Bootstrap(string? token = "token", string? tokenFile = null) => new()
    {
        Workload = "web",
        Instance = "web-1",
        TrustDomain = _certificates.TrustDomain,
        ControlPlane = $"https://127.0.0.1:{Port}",
        TrustBundle = [_certificates.RootPem],
        JoinToken = token,
        JoinTokenFile = tokenFile,
        Admin = "127.0.0.1:0",
    };

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(https =>
            {
                https.ServerCertificate = _server;
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.AllowAnyClientCertificate();
            });
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<FakeControlPlane>();
        await _app.StartAsync();
        Port = new Uri(_app.Urls.First()).Port;
    }

    /// <summary>Ends all streams and closes the port; can be started again on it.</summary>
    public async Task StopAsync()
    {
        if (_app is null) return;
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _app = null;
    }

    public void Send(ControlMessage message) => _toSend.Writer.TryWrite(message);

    public void Send(MeshSnapshot snapshot)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(snapshot, MeshJson.Default.MeshSnapshot);
        Send(snapshot.Version, Convert.ToHexStringLower(SHA256.HashData(json)), json);
    }

    public void Send(long version, string hash, byte[] json) =>
        Send(new ControlMessage { Snapshot = new SnapshotUpdate { Version = version, Hash = hash, Json = ByteString.CopyFrom(json) } });

    /// <summary>Waits for the next message of a kind; others are passed over.</summary>
    public async Task<SidecarMessage> NextAsync(SidecarMessage.KindOneofCase kind)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await foreach (var message in _received.Reader.ReadAllAsync(patience.Token))
        {
            if (message.KindCase == kind) return message;
        }
        throw new InvalidOperationException("the stream of messages ended");
    }

    public override Task<SvidResponse> Join(JoinRequest request, ServerCallContext context)
    {
        Joins.Enqueue((request.Workload, request.Token));
        var asked = CertificateRequest.LoadSigningRequest(request.Csr.ToByteArray(), HashAlgorithmName.SHA256);
        JoinKeys.Enqueue(Convert.ToHexString(asked.PublicKey.ExportSubjectPublicKeyInfo()));
        return Task.FromResult(Issue(request.Csr, request.Workload, OnJoin()));
    }

    public override async Task<SvidResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        var peer = await context.GetHttpContext().Connection.GetClientCertificateAsync() ?? throw new RpcException(new Status(StatusCode.Unauthenticated, "no certificate"));
        Renewals.Enqueue(peer.Thumbprint);
        return Issue(request.Csr, "web", OnRenew());
    }

    public override async Task Watch(IAsyncStreamReader<SidecarMessage> requestStream, IServerStreamWriter<ControlMessage> responseStream, ServerCallContext context)
    {
        OnWatch();
        var reading = ReadAsync(requestStream, context.CancellationToken);
        try
        {
            await foreach (var message in _toSend.Reader.ReadAllAsync(context.CancellationToken)) await responseStream.WriteAsync(message);
        }
        catch (OperationCanceledException)
        {
            await reading;
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task ReadAsync(IAsyncStreamReader<SidecarMessage> stream, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in stream.ReadAllAsync(cancellationToken)) await _received.Writer.WriteAsync(message, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException)
        {
            // The sidecar went away; what it sent before is in the queue.
            Assert.NotNull(e);
        }
    }

    private SvidResponse Issue(ByteString csr, string workload, TimeSpan life)
    {
        var request = CertificateRequest.LoadSigningRequest(csr.ToByteArray(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation);
        var issued = _certificates.Issue(new SvidShape { Uris = [_certificates.IdOf(workload)], Key = IssueForAnotherKey ? _certificates.Root.PublicKey : request.PublicKey, NotBefore = Now() - TimeSpan.FromSeconds(1), NotAfter = Now() + life });
        var response = new SvidResponse();
        response.Chain.Add(ByteString.CopyFrom(issued.RawData));
        response.Bundle.Add(ByteString.CopyFrom(_certificates.Root.RawData));
        return response;
    }
}
