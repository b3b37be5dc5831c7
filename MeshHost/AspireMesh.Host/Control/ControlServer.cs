using System.Net.Security;
using System.Security.Authentication;
using AspireMesh.Host.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Control;

/// <summary>The port that sidecars connect to: gRPC over TLS 1.3 with the control plane's own SVID.</summary>
internal sealed class ControlServer(Func<SslStreamCertificateContext> own, PeerCertificate peers, ControlService service, string listen, ILoggerFactory logs)
{
    private WebApplication? _app;

    /// <summary>Where it really listens, <c>https://host:port</c>.</summary>
    public string Address { get; private set; } = "";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Empty: an AppHost's ASPNETCORE_URLS and configuration files must not reach this server.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Configure);
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(service);
        _app = builder.Build();
        _app.UseRouting();
        _app.MapGrpcService<ControlService>();
        await ListenFailure.Explain(listen, "control plane", () => _app.StartAsync(cancellationToken));
        Address = _app.Urls.Single().Replace("http://", "https://", StringComparison.Ordinal);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is null) return;
        await _app.StopAsync(cancellationToken);
        await _app.DisposeAsync();
        _app = null;
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // A watch is quiet for as long as nothing changes.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(20);
        kestrel.Listen(HostPort.Parse(listen).ToEndPoint(), port =>
        {
            port.Protocols = HttpProtocols.Http2;
            port.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = handshake => ValueTask.FromResult(Tls(handshake.Connection.Items)) });
        });
    }

    private SslServerAuthenticationOptions Tls(IDictionary<object, object?> items) => new()
    {
        ServerCertificateContext = own(),
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = peers.For(items),
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        AllowRenegotiation = false,
        // A resumed session would skip the look at the certificate after the trust bundle has changed.
        AllowTlsResume = false,
    };
}
