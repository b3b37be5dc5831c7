using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Aspire.Hosting.Testing;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

[assembly: AssemblyFixture(typeof(AspireMesh.Policies.Tests.PoliciesMesh))]

namespace AspireMesh.Policies.Tests;

/// <summary>The policies' AppHost, started once for all tests. A test speaks to a listener of the caller's sidecar, at the address the caller itself was given.</summary>
public sealed class PoliciesMesh : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly CancellationTokenSource _limit = new(Patience);
    private readonly ECDsa _issuer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private DistributedApplication? _app;
    private MeshAdminClient? _admin;

    /// <summary>Ends a test that waits for something that never comes.</summary>
    public CancellationToken Limit => _limit.Token;

    /// <summary>The running mesh's admin API.</summary>
    public MeshAdminClient Admin => _admin!;

    /// <summary>A service outside the mesh, with a certificate of a private CA.</summary>
    internal PartnerService Partner { get; } = new();

    public DistributedApplication App => _app!;

    /// <summary>Sends what a test says; redirects are shown, not followed, and nothing is sent twice.</summary>
    public HttpClient Client { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };

    public async ValueTask InitializeAsync()
    {
        Environment.SetEnvironmentVariable(RunFile.DirectoryVariable, Directory.CreateTempSubdirectory("aspiremesh-test-run-").FullName);
        await Partner.StartAsync(Limit);
        var key = _issuer.ExportParameters(includePrivateParameters: false);
        var jwks = $$"""{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"{{Base64UrlEncoder.Encode(key.Q.X!)}}","y":"{{Base64UrlEncoder.Encode(key.Q.Y!)}}"}]}""";
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AspireMesh_Policies_AppHost>(
            [$"--Policies:Jwks={jwks}", "--Mesh:SidecarHosting=Shared", $"--Policies:Partner=https://localhost:{Partner.Port}/", $"--Policies:PartnerRoots={Partner.RootPem}"], Limit);
        _app = await builder.BuildAsync(Limit);
        await _app.StartAsync(Limit);
        _admin = new MeshAdminClient(await _app.Services.GetRequiredService<MeshAccess>().Run);
        await UntilAsync(async () => (await Admin.CheckAsync(Limit)).Healthy, "every workload is healthy");
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
        await Partner.DisposeAsync();
        Client.Dispose();
        _issuer.Dispose();
        _limit.Dispose();
    }

    /// <summary>The URL that the caller has for an endpoint: its sidecar's listener.</summary>
    public async Task<string> UrlAsync(string workload, string endpoint = "http")
    {
        using var caller = App.CreateHttpClient("caller", "http");
        return await caller.GetStringAsync($"/env/services__{workload}__{endpoint}__0", Limit);
    }

    /// <summary>A request to an endpoint, as the caller would send it.</summary>
    public async Task<Answer> SendAsync(string workload, string endpoint, string path, string method = "GET", params (string Name, string Value)[] headers) =>
        await SendToAsync(await UrlAsync(workload, endpoint) + path, method, headers);

    public Task<Answer> GetAsync(string endpoint, string path, params (string Name, string Value)[] headers) => SendAsync("api", endpoint, path, "GET", headers);

    public async Task<Answer> SendToAsync(string url, string method = "GET", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), url);
        foreach (var (name, value) in headers)
        {
            if (name == "content-type") request.Content = new ByteArrayContent([]) { Headers = { { name, value } } };
            else request.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await Client.SendAsync(request, Limit);
        return new Answer(
            (int)response.StatusCode, await response.Content.ReadAsStringAsync(Limit),
            response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>Waits until something holds.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        while (!await condition())
        {
            if (Limit.IsCancellationRequested) Assert.Fail($"It never came to this: {what}.");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    /// <summary>A token of the issuer that the AppHost trusts.</summary>
    public string Token(string role) => new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
    {
        Issuer = "https://issuer.test",
        Audience = "shop",
        Expires = DateTime.UtcNow.AddHours(1),
        Claims = new Dictionary<string, object> { ["role"] = role },
        SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(_issuer) { KeyId = "k1" }, SecurityAlgorithms.EcdsaSha256),
    });
}

/// <summary>What came back.</summary>
public sealed record Answer(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The response flag of an answer that is the sidecar's own; empty for the app's.</summary>
    public string Flag => Headers.GetValueOrDefault("x-mesh-error", "").Split(';')[0];

    public string Error => Headers.GetValueOrDefault("x-mesh-error", "");
}
