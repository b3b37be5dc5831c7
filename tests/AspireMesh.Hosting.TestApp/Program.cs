using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

// A service for tests: answers with its name, calls others by what its environment or arguments say, echoes TCP after a greeting.
var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.ConfigureKestrel(k => k.ConfigureHttpsDefaults(h => h.ServerCertificate = OwnCertificate()));
var app = builder.Build();
var name = Environment.GetEnvironmentVariable("NAME") ?? "app";
using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = true }) { Timeout = TimeSpan.FromSeconds(20) };

if (Environment.GetEnvironmentVariable("REDIRECT_TO_HTTPS") is not null)
{
    // As the starter template does, but for the health check: the certificate is trusted by nobody.
    app.UseWhen(c => !c.Request.Path.StartsWithSegments("/health"), redirected => redirected.UseHttpsRedirection());
}

FaultyPaths.Map(app, name);
app.MapGet("/", () => $"{name} {Environment.ProcessId}");
app.MapGet("/health", () => "ok");
app.MapGet("/sized", (HttpResponse response) =>
{
    response.ContentLength = 2;
    return response.WriteAsync("ok");
});
app.MapGet("/env/{variable}", (string variable) => Environment.GetEnvironmentVariable(variable) ?? "");
app.MapGet("/args", () => string.Join(' ', args));
app.MapGet("/host", (HttpRequest request) => $"{request.Scheme} {request.Host}");
app.MapGet("/call/{variable}/{**path}", async (string variable, string? path) =>
{
    var answer = await http.GetAsync($"{Environment.GetEnvironmentVariable(variable)}/{path}");
    return Results.Text($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
});
app.MapGet("/tcp/{variable}", async (string variable) =>
{
    var address = IPEndPoint.Parse(Environment.GetEnvironmentVariable(variable)!);
    using var client = new TcpClient();
    await client.ConnectAsync(address);
    var stream = client.GetStream();
    await stream.WriteAsync(Encoding.UTF8.GetBytes(" and back"));
    client.Client.Shutdown(SocketShutdown.Send);
    using var reader = new StreamReader(stream);
    return await reader.ReadToEndAsync();
});
if (int.TryParse(Environment.GetEnvironmentVariable("TCP_PORT"), out var port)) _ = EchoAsync(port, app.Lifetime.ApplicationStopping);
if (int.TryParse(Environment.GetEnvironmentVariable("TLS_PORT"), out var tlsPort)) _ = SayOverTlsAsync(tlsPort, app.Lifetime.ApplicationStopping);
await using var grpc = int.TryParse(Environment.GetEnvironmentVariable("GRPC_PORT"), out var grpcPort) ? await GrpcEndpoint.StartAsync(grpcPort, name) : null;
if (int.TryParse(Environment.GetEnvironmentVariable("PID_PORT"), out var pidPort)) _ = SayPidAsync(pidPort, app.Lifetime.ApplicationStopping);
app.Run();

// Tells replicas apart where nothing is asked.
static Task SayPidAsync(int listen, CancellationToken stopping) => ListenAsync(listen, async stream => await stream.WriteAsync(Encoding.UTF8.GetBytes($"{Environment.ProcessId}"), stopping), stopping);

// Ends TLS itself and says its name to whoever sends a byte.
async Task SayOverTlsAsync(int listen, CancellationToken stopping)
{
    using var certificate = OwnCertificate();
    await ListenAsync(listen, async stream =>
    {
        await using var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(certificate);
        if (await tls.ReadAsync(new byte[1], stopping) == 0) return;
        await tls.WriteAsync(Encoding.UTF8.GetBytes($"{name} in its own TLS"), stopping);
        await tls.ShutdownAsync();
    }, stopping);
}

Task EchoAsync(int listen, CancellationToken stopping) => ListenAsync(listen, async stream =>
{
    await stream.WriteAsync(Encoding.UTF8.GetBytes($"hello from {name}"), stopping);
    await stream.CopyToAsync(stream, stopping);
}, stopping);

// A caller that breaks off ends its own connection and no other's.
static async Task ListenAsync(int listen, Func<NetworkStream, Task> serve, CancellationToken stopping)
{
    using var listener = new TcpListener(IPAddress.Loopback, listen);
    listener.Start();
    while (!stopping.IsCancellationRequested)
    {
        var client = await listener.AcceptTcpClientAsync(stopping);
        _ = Task.Run(async () =>
        {
            using (client) await serve(client.GetStream());
        }, stopping);
    }
}

static X509Certificate2 OwnCertificate()
{
    using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
    var now = DateTimeOffset.UtcNow;
    using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
}
