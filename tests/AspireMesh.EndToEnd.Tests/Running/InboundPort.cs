using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>Somebody who knocks at a sidecar's inbound port over real sockets, and what they are answered: nothing, when they are refused.</summary>
internal static class InboundPort
{
    private const string Request = "GET /health HTTP/1.1\r\nhost: orders\r\n\r\n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>A request without TLS.</summary>
    public static async Task<string> PlaintextAsync(string inbound)
    {
        using var client = await ConnectAsync(inbound);
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(Request));
        return await ReadAsync(client.GetStream());
    }

    /// <summary>A request over TLS, with that certificate or without one.</summary>
    public static async Task<string> AskAsync(string inbound, X509Certificate2? certificate)
    {
        using var client = await ConnectAsync(inbound);
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "http.orders",
                ApplicationProtocols = [SslApplicationProtocol.Http11],
                ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            });
            await tls.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Request));
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return "";
        }
        return await ReadAsync(tls);
    }

    private static async Task<TcpClient> ConnectAsync(string inbound)
    {
        var client = new TcpClient();
        await client.ConnectAsync(System.Net.IPEndPoint.Parse(inbound));
        return client;
    }

    private static async Task<string> ReadAsync(Stream stream)
    {
        try
        {
            var buffer = new byte[200];
            return System.Text.Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
