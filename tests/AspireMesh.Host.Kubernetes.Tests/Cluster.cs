using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy;
using AspireMesh.Rehearsal.StandIn;
using AspireMesh.TestKit;
using k8s;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>web → api in a cluster whose API server is the stand-in: replicas of the control plane, real sidecars that join by service account, a real app.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    public const string Namespace = "shop";

    private readonly List<Func<Task>> _ending = [];
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("aspiremesh-cluster-");
    private readonly int _inboundOfApi = FreePort.Next();
    private readonly int _outbound = FreePort.Next();
    private readonly int _app = FreePort.Next();

    private Cluster(StandInApi api) => Api = api;

    public StandInApi Api { get; }

    public Logs Logs { get; } = new();

    public MeshModel Model { get; set; } = null!;

    public string ApiAddress => $"127.0.0.1:{_inboundOfApi}";

    public string BundleFile => Path.Combine(_files.FullName, "bundle.pem");

    public static async Task<Cluster> StartAsync(bool withModel = true)
    {
        var cluster = new Cluster(await StandInApi.StartAsync(Namespace));
        cluster.Model = cluster.Intent();
        if (withModel) cluster.PutModel(cluster.Model);
        return cluster;
    }

    public void PutModel(MeshModel model) => Put("configmaps", ClusterNames.Mesh, new JsonObject { ["data"] = new JsonObject { [ClusterNames.MeshKey] = JsonSerializer.Serialize(model, MeshDocument.WriteOptions) } });

    public void PutApiPods(params (string Pod, string Address, bool Ready)[] pods) => Api.Objects.Put("endpointslices", Slice("api", pods));

    public JsonObject Slice(string workload, params (string Pod, string Address, bool Ready)[] pods) => new()
    {
        ["apiVersion"] = "discovery.k8s.io/v1",
        ["kind"] = "EndpointSlice",
        ["addressType"] = "IPv4",
        ["metadata"] = new JsonObject { ["name"] = $"{workload}-x7k2p", ["namespace"] = Namespace, ["labels"] = new JsonObject { [ClusterNames.WorkloadLabel] = workload } },
        ["ports"] = new JsonArray(new JsonObject { ["name"] = ClusterNames.InboundPort, ["port"] = int.Parse(pods.FirstOrDefault().Address?.Split(':')[1] ?? "1") }),
        ["endpoints"] = new JsonArray([.. pods.Select(p => new JsonObject
        {
            ["addresses"] = new JsonArray(p.Address.Split(':')[0]),
            ["conditions"] = new JsonObject { ["ready"] = p.Ready },
            ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["name"] = p.Pod },
        })]),
    };

    /// <summary>One replica, running until the cluster is disposed or it is stopped.</summary>
    public Replica StartReplica(string pod, Func<ClusterOptions, ClusterOptions>? configure = null)
    {
        var options = new ClusterOptions
        {
            Namespace = Namespace,
            PodName = pod,
            PodIp = "127.0.0.1",
            ControlListen = $"127.0.0.1:{FreePort.Next()}",
            AdminListen = $"127.0.0.1:{FreePort.Next()}",
            LeaseRenewal = TimeSpan.FromMilliseconds(100),
            // A machine under load must not take leadership away by itself.
            LeaseDuration = TimeSpan.FromMinutes(10),
            LeaseDeadline = TimeSpan.FromMinutes(5),
            RetryPause = TimeSpan.FromMilliseconds(50),
            LoggerFactory = Logs,
        };
        options = configure?.Invoke(options) ?? options;
        var replica = new Replica(new k8s.Kubernetes(new KubernetesClientConfiguration { Host = Api.Address }), options);
        _ending.Add(replica.StopAsync);
        return replica;
    }

    public async Task StartAppAsync(string answer = "hello")
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{_app}");
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync(answer));
        await app.StartAsync();
        _ending.Add(() => app.DisposeAsync().AsTask());
    }

    /// <summary>The file with the trusted roots, as the kubelet would mount it.</summary>
    public void MountBundle() => File.WriteAllText(BundleFile, (string?)Api.Objects.Read("configmaps", ClusterNames.TrustBundle)?["data"]?[ClusterNames.TrustBundleKey] ?? "");

    /// <summary>A pod's sidecar; its token is as the kubelet would mount it.</summary>
    public MeshSidecar Sidecar(string workload, string pod, string control, string? token = null)
    {
        var tokenFile = Path.Combine(_files.FullName, $"{pod}.token");
        File.WriteAllText(tokenFile, token ?? Api.Tokens.Issue(Namespace, workload, pod, ClusterNames.Audience));
        var sidecar = new MeshSidecar(new SidecarBootstrap
        {
            Workload = workload,
            Instance = pod,
            TrustDomain = "shop.mesh",
            Namespace = Namespace,
            ControlPlane = $"https://{control}",
            TrustBundle = [],
            TrustBundleFile = BundleFile,
            JoinTokenFile = tokenFile,
            Admin = $"127.0.0.1:{FreePort.Next()}",
        }, new MeshSidecarOptions());
        _ending.Insert(0, () => sidecar.DisposeAsync().AsTask());
        return sidecar;
    }

    /// <summary>Calls api as the web app would.</summary>
    public async Task<string> CallAsync()
    {
        using var client = new HttpClient();
        return await client.GetStringAsync($"http://127.0.0.1:{_outbound}/");
    }

    /// <summary>Waits until something holds; looked at whenever the control plane says or does something, and now and then.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            if (limit.IsCancellationRequested) Assert.Fail($"Waited in vain. Logged:\n{string.Join("\n", Logs.Lines)}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var end in _ending) await end();
        await Api.DisposeAsync();
        _files.Delete(recursive: true);
    }

    private void Put(string kind, string name, JsonObject value)
    {
        value["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace };
        Api.Objects.Put(kind, value);
    }

    private MeshModel Intent() => new()
    {
        Name = "shop",
        TrustDomain = "shop.mesh",
        DrainTime = TimeSpan.FromSeconds(1),
        Workloads =
        [
            new WorkloadModel { Name = "web", Sidecars = [new SidecarModel { Instance = "web", Inbound = $"127.0.0.1:{FreePort.Next()}", Admin = $"127.0.0.1:{FreePort.Next()}" }] },
            new WorkloadModel
            {
                Name = "api",
                Endpoints = [new EndpointModel { Name = "http", App = $"127.0.0.1:{_app}" }],
                Sidecars = [new SidecarModel { Instance = "api", Inbound = $"127.0.0.1:{_inboundOfApi}", Admin = $"127.0.0.1:{FreePort.Next()}" }],
            },
        ],
        Edges = [new EdgeModel { From = "web", To = "api", Endpoint = "http", Listen = ImmutableDictionary<string, string>.Empty.Add("web", $"127.0.0.1:{_outbound}"), Policies = new EdgePolicies() }],
    };
}

/// <summary>A replica of the control plane and the way to stop it.</summary>
internal sealed class Replica
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public Replica(IKubernetes client, ClusterOptions options)
    {
        Options = options;
        ControlPlane = new KubernetesControlPlane(client, options);
        _running = ControlPlane.RunAsync(_stop.Token);
    }

    public ClusterOptions Options { get; }

    public KubernetesControlPlane ControlPlane { get; }

    public string Address => Options.ControlListen;

    public MeshControlPlane? Mesh => ControlPlane.Leading;

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }
}
