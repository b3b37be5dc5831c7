using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Admin;
using AspireMesh.Rehearsal.Pods;

namespace AspireMesh.Rehearsal.Tests;

/// <summary>An app that dials Services by itself, in a pod whose redirect rules are the kernel's own.</summary>
[Collection(RehearsalCollection.Name)]
public class InterceptionTests
{
    private const string Caller = "legacy";

    [Fact]
    public async Task A_client_that_dials_a_Services_address_takes_the_declared_edge_and_anything_else_is_passed_or_refused()
    {
        var problem = await PodNetwork.ProblemAsync();
        Assert.SkipWhen(problem is not null, $"no network namespace with redirect rules here: {problem}");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var folder = RehearsalTests.Prepare(known: ["api", "web", "stranger", Caller]);
        File.WriteAllText(Path.Combine(folder, "pair.yaml"), WithCaller(File.ReadAllText(Path.Combine(folder, "pair.yaml"))));
        var lines = new ConcurrentQueue<string>();
        try
        {
            await using var rehearsal = await ChartRehearsal.StartAsync(RehearsalTests.Options(folder, lines.Enqueue), limit.Token);
            await RehearsalTests.Waited(rehearsal.WaitReadyAsync(limit.Token), lines);
            using var http = new HttpClient();
            var caller = rehearsal.Outside.Single(o => o.Name == Caller).Address;
            async Task<(int Status, string Text)> CallAsync(string variable)
            {
                using var answer = await http.GetAsync($"http://{caller}/call/{variable}", limit.Token);
                return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(limit.Token));
            }

            // Services become known with the control plane's watch; until then the call goes past the mesh, to an inbound port that takes no plaintext.
            await RehearsalTests.Waited(UntilAsync(async () => (await CallAsync("SERVICE")).Text.StartsWith("hello from api", StringComparison.Ordinal), limit.Token), lines);
            using var admin = new MeshAdminClient(new RunFile { AppHost = "pair", Pid = Environment.ProcessId, Admin = rehearsal.Admin.Address, Token = rehearsal.Admin.Token! });
            await RehearsalTests.Waited(UntilAsync(async () => (await admin.GetStatusAsync(limit.Token)).Edges.Any(e => e is { From: Caller, To: "api", Mtls: true, Requests: > 0 }), limit.Token), lines);

            Assert.StartsWith("hello from web", (await CallAsync("UNDECLARED")).Text);
            SetRefusal(rehearsal);
            await RehearsalTests.Waited(UntilAsync(async () => (await CallAsync("UNDECLARED")).Status == 500, limit.Token), lines);
            Assert.StartsWith("hello from api", (await CallAsync("SERVICE")).Text);
            // The rules are there for IPv6 as well, wherever the machine has it.
            var (code, six) = await Shell.TryAsync("ip", "netns", "exec", $"amr{Environment.ProcessId}-{Caller}-0", "ip6tables", "-t", "nat", "-S");
            Assert.True(!File.Exists("/proc/net/if_inet6") || (code == 0 && six.Contains("REDIRECT --to-ports 15001", StringComparison.Ordinal)), six);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The pair with a third workload that refers to api and was told no address of its sidecar.</summary>
    private static string WithCaller(string pair)
    {
        var objects = YamlDocuments.Read(pair, "pair.yaml").ToList();
        JsonObject Find(string kind, string name) => objects.Single(o => (string?)o["kind"] == kind && (string?)o["metadata"]!["name"] == name);
        JsonObject CopyOf(string kind, string name) => JsonNode.Parse(Find(kind, name).ToJsonString().Replace("web", Caller, StringComparison.Ordinal))!.AsObject();

        var map = Find("ConfigMap", SidecarPlaces.Mesh);
        var mesh = JsonNode.Parse((string)map["data"]!["mesh.json"]!)!;
        var workload = JsonNode.Parse(mesh["workloads"]![0]!.ToJsonString().Replace("web", Caller, StringComparison.Ordinal))!;
        workload["intercept"] = $"127.0.0.1:{SidecarPlaces.InterceptPort}";
        mesh["workloads"]!.AsArray().Add(workload);
        mesh["edges"]!.AsArray().Add(JsonNode.Parse(mesh["edges"]![0]!.ToJsonString().Replace("web", Caller, StringComparison.Ordinal)));
        map["data"]!["mesh.json"] = mesh.ToJsonString();

        Find("Service", "api")["spec"]!["ports"]!.AsArray().Add(new JsonObject { ["name"] = "http", ["port"] = 8080, ["targetPort"] = SidecarPlaces.InboundPort });
        var deployment = CopyOf("Deployment", "web");
        var pod = deployment["spec"]!["template"]!["spec"]!;
        var template = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray() } };
        SidecarPod.Add(template, new SidecarSpec { Workload = Caller, Image = "pair/proxy", InterceptImage = "pair/intercept" });
        var inits = pod["initContainers"]!.AsArray();
        inits[0]!["securityContext"] = template["spec"]!["initContainers"]![1]!["securityContext"]!.DeepClone();
        inits.Insert(0, template["spec"]!["initContainers"]![0]!.DeepClone());
        pod["containers"]![0]!["env"] = new JsonArray(
            new JsonObject { ["name"] = "ASPNETCORE_URLS", ["value"] = "http://0.0.0.0:8080" },
            new JsonObject { ["name"] = "SERVICE", ["value"] = "http://api:8080" },
            new JsonObject { ["name"] = "UNDECLARED", ["value"] = "http://web" });
        return string.Join("---\n", objects.Append(CopyOf("ConfigMap", "web-sidecar")).Append(deployment).Append(CopyOf("Service", "web")).Select(ManifestYaml.Write));
    }

    private static void SetRefusal(ChartRehearsal rehearsal)
    {
        var map = rehearsal.Objects.Read("configmaps", SidecarPlaces.Mesh)!;
        var mesh = JsonNode.Parse((string)map["data"]!["mesh.json"]!)!;
        mesh["undeclaredEgress"] = "Refuse";
        // As a chart has it where egress is watched: every sidecar is a forward proxy too.
        foreach (var sidecar in mesh["workloads"]!.AsArray().SelectMany(w => w!["sidecars"]!.AsArray())) sidecar!["egress"] = "127.0.0.1:15011";
        map["data"]!["mesh.json"] = mesh.ToJsonString();
        rehearsal.Objects.Put("configmaps", map);
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, CancellationToken cancellationToken)
    {
        while (!await holds()) await Task.Delay(100, cancellationToken);
    }
}
