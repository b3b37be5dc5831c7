using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>
/// What a team would write by hand with YARP: one hop as a process of its own, HTTP/2 over mutual TLS between the two, no policy and no telemetry. The measure of what our
/// tunnel and everything on top of it cost.
/// </summary>
internal static class YarpHop
{
    public const string Verb = "yarp-hop";

    /// <summary>Both hops as processes of this program.</summary>
    public static ProxyPair Start(string folder, int app)
    {
        var (near, far) = (FreePort.Next(), FreePort.Next());
        return new ProxyPair("yarp", near, [Hop("near", near, $"https://127.0.0.1:{far}"), Hop("far", far, $"http://127.0.0.1:{app}")]);

        Process Hop(string side, int port, string to) =>
            ProxyPair.Start("dotnet", Environment.GetCommandLineArgs()[0], Verb, side, port.ToString(System.Globalization.CultureInfo.InvariantCulture), to, folder);
    }

    /// <summary>Runs one hop until it is ended. Arguments: verb, side, port, where to, folder of the certificates.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var (near, port, to, folder) = (args[1] == "near", int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture), args[3], args[4]);
        var name = near ? "web" : "api";
        using var own = X509Certificate2.CreateFromPemFile(Path.Combine(folder, $"{name}.pem"), Path.Combine(folder, $"{name}.key"));
        using var root = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, "ca.pem"));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = near ? HttpProtocols.Http1 : HttpProtocols.Http2;
            if (near) return;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = own,
                ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (certificate, _, _) => IsOurs(certificate, root),
            });
        }));
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, EnableMultipleHttp2Connections = true, AutomaticDecompression = DecompressionMethods.None };
        if (near)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [own],
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 shown && IsOurs(shown, root),
            };
        }
        using var client = new HttpMessageInvoker(handler);
        var request = near ? new ForwarderRequestConfig { Version = HttpVersion.Version20, VersionPolicy = System.Net.Http.HttpVersionPolicy.RequestVersionExact } : new ForwarderRequestConfig { Version = HttpVersion.Version11 };
        await using var host = builder.Build();
        var forwarder = host.Services.GetRequiredService<IHttpForwarder>();
        host.Run(async context => await forwarder.SendAsync(context, to, client, request));
        await host.RunAsync();
        return 0;
    }

    private static bool IsOurs(X509Certificate2 certificate, X509Certificate2 root)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
