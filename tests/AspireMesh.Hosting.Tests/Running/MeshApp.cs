using System.Reflection;
using System.Runtime.CompilerServices;
using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Tests.Running;

/// <summary>An application with a mesh, started in this process; its services are real processes on free ports.</summary>
internal sealed class MeshApp : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly CancellationTokenSource _limit = new(Patience);
    private DistributedApplication? _app;

    public MeshApp(SidecarHosting hosting = SidecarHosting.Shared)
    {
        // Aspire's own way out of a container asks a registry for its image; what is meshed goes out by the sidecar instead.
        string[] arguments = ["--DcpPublisher:RandomizePorts=true", "--ASPIRE_ENABLE_CONTAINER_TUNNEL=false"];
        Builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = typeof(MeshApp).Assembly.GetName().Name, Args = arguments });
        Builder.Services.AddLogging(l => l.ClearProviders());
        Mesh = Builder.AddServiceMesh(configure: o =>
        {
            o.ProxyPath = BuiltOutput("ProxyPath");
            o.ToolPath = BuiltOutput("ToolPath");
        }).WithSidecarHosting(hosting);
    }

    public IDistributedApplicationBuilder Builder { get; }

    public IResourceBuilder<MeshResource> Mesh { get; }

    public CancellationToken Limit => _limit.Token;

    public DistributedApplication App => _app ?? throw new InvalidOperationException("Start it first.");

    public MeshRuntime Runtime => App.Services.GetRequiredService<MeshRuntime>();

    /// <summary>The admin API, as the command line uses it.</summary>
    public async Task<MeshAdminClient> AdminAsync() => new(await App.Services.GetRequiredService<MeshAccess>().Run);

    /// <summary>A service with one HTTP endpoint, healthy once it answers.</summary>
    public IResourceBuilder<ProjectResource> Service(string name) => Project(name).WithHttpEndpoint().WithHttpHealthCheck("/health");

    /// <summary>A service without endpoints.</summary>
    public IResourceBuilder<ProjectResource> Project(string name) =>
        Builder.AddProject<Projects.AspireMesh_Hosting_TestApp>(name, o => o.ExcludeLaunchProfile = true).WithEnvironment("NAME", name);

    public async Task StartAsync(params string[] healthy)
    {
        _app = Builder.Build();
        await _app.StartAsync(Limit);
        foreach (var name in healthy) await _app.ResourceNotifications.WaitForResourceHealthyAsync(name, Limit);
        await StatusAsync(s => s.Workloads.All(w => w.Healthy));
    }

    /// <summary>Asks a service at its own address.</summary>
    public async Task<string> GetAsync(IResourceBuilder<IResourceWithEndpoints> service, string path) => await GetAsync(service.GetEndpoint("http").Url + path);

    public async Task<string> GetAsync(string url) => await _client.GetStringAsync(url, Limit);

    /// <summary>Asks until the answer begins so; the last answer is in the failure.</summary>
    public async Task AnswersAsync(IResourceBuilder<IResourceWithEndpoints> service, string path, string start)
    {
        var answer = "";
        while (!answer.StartsWith(start, StringComparison.Ordinal) && !Limit.IsCancellationRequested)
        {
            using var response = await _client.GetAsync(service.GetEndpoint("http").Url + path);
            answer = await response.Content.ReadAsStringAsync();
        }
        Assert.StartsWith(start, answer);
    }

    public EdgeStatus Edge(string from, string to) => Runtime.Status.Edges.Single(e => e.From == from && e.To == to);

    /// <summary>Waits until <paramref name="condition"/> holds for what the control plane knows.</summary>
    public async Task<MeshStatus> StatusAsync(Func<MeshStatus, bool> condition)
    {
        while (true)
        {
            var status = Runtime.Status;
            if (condition(status)) return status;
            await Task.Delay(50, Limit);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _client.Dispose();
        _limit.Dispose();
    }

    [ModuleInitializer]
    internal static void KeepRunFilesAway() => Environment.SetEnvironmentVariable(RunFile.DirectoryVariable, Directory.CreateTempSubdirectory("aspiremesh-test-run-").FullName);

    private static string BuiltOutput(string key) => typeof(MeshApp).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == key).Value!;
}
