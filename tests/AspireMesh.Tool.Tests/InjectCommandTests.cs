using System.Text;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Tool.Tests;

/// <summary><c>aspiremesh inject</c> as it is typed, on files that others wrote.</summary>
public sealed class InjectCommandTests : IDisposable
{
    private const string Anchors = """
        # One template for two.
        x-common: &common
          app: web
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: *common}
        spec:
          replicas: 2   # two are enough
          selector: {matchLabels: *common}
          template:
            metadata:
              labels: {<<: *common, tier: front}
            spec:
              initContainers:
              - {name: first, image: "first:1"}
              containers:
              - name: web
                image: web:1
                args: ['yes', "0x1F"]
        """;

    private const string Several = """
        ---
        # Everything of the team.
        apiVersion: v1
        kind: List
        items:
        - apiVersion: apps/v1
          kind: StatefulSet
          metadata: {name: db}
          spec:
            template:
              metadata: {labels: {app: db}}
              spec: {containers: [{name: db, image: db}]}
        - apiVersion: v1
          kind: Service
          metadata: {name: db}
          spec: {selector: {app: db}, ports: [{port: 5432}]}
        --- # the agents
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: agent}
        spec: {template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: agent}]}}}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {color:   blue}
        --- {apiVersion: v1, kind: Pod, metadata: {name: once}, spec: {containers: [{name: once, image: once}]}}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: nightly}
        spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: clean, image: clean}]}}}}}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: migrate}
        spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: migrate}]}}}
        # The end.

        """;

    private readonly string folder = Directory.CreateTempSubdirectory("aspiremesh-inject-").FullName;

    public static TheoryData<string, string> Foreign => new()
    {
        { "anchors", Anchors },
        { "several", Several },
        { "windows", Several.ReplaceLineEndings("\r\n") },
        { "no line break at the end", Anchors.TrimEnd() },
        { "byte order mark", "\uFEFF" + Anchors },
        { "directive", "%YAML 1.2\n" + Several },
        { "nothing with pods, no line break", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}" },
        { "nothing but a comment", "# nothing yet\n" },
    };

    [Theory]
    [MemberData(nameof(Foreign))]
    public async Task Twice_gives_the_same_bytes_and_uninject_the_bytes_from_before(string what, string text)
    {
        var file = Write($"{what}.yaml", text);
        Assert.Equal(0, (await RunAsync("inject", file, "--trust-domain", "shop.mesh", "--in-place")).Code);
        var once = File.ReadAllBytes(file);
        Assert.Equal(0, (await RunAsync("inject", file, "--trust-domain", "shop.mesh", "--in-place")).Code);
        Assert.Equal(once, File.ReadAllBytes(file));
        Assert.Equal(0, (await RunAsync("inject", file, "--uninject", "--in-place")).Code);
        Assert.Equal(Encoding.UTF8.GetBytes(text), File.ReadAllBytes(file));
    }

    [Fact]
    public async Task Every_kind_with_pods_gets_a_sidecar_with_anchors_resolved()
    {
        var run = await RunAsync("inject", Write("a.yaml", Anchors), Write("b.yaml", Several), "--trust-domain", "shop.mesh", "--namespace", "prod");
        Assert.Equal((0, ""), (run.Code, run.Error));
        var objects = YamlDocuments.Read(run.Out, "printed");
        Assert.Equal(6, run.Out.Split("name: aspiremesh-proxy").Length - 1);
        var web = objects.Single(o => o["kind"]!.ToString() == "Deployment");
        Assert.Equal("""{"tier":"front","app":"web"}""", web["spec"]!["template"]!["metadata"]!["labels"]!.ToJsonString());
        Assert.Equal(["aspiremesh-proxy", "first"], web["spec"]!["template"]!["spec"]!["initContainers"]!.AsArray().Select(c => c!["name"]!.ToString()));
        Assert.Equal(["yes", "0x1F"], web["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]!.AsArray().Select(a => a!.GetValue<string>()));
        Assert.Equal(["agent", "db", "migrate", "nightly", "once", "web"], objects.Where(o => o["kind"]!.ToString() == "ServiceAccount").Select(o => o["metadata"]!["name"]!.ToString()).Order());
        Assert.All(objects.Where(o => o["kind"]!.ToString() == "ConfigMap" && o["data"]!["bootstrap.json"] is not null), o => Assert.Contains("\"namespace\":\"prod\"", o["data"]!["bootstrap.json"]!.ToString()));
    }

    [Fact]
    public async Task What_was_changed_after_it_was_injected_keeps_its_change()
    {
        var file = Write("web.yaml", Anchors);
        await RunAsync("inject", file, "--trust-domain", "shop.mesh", "--in-place");
        File.WriteAllText(file, File.ReadAllText(file).Replace("replicas: 2", "replicas: 5"));
        await RunAsync("inject", file, "--uninject", "--in-place");
        var back = Assert.Single(YamlDocuments.Read(File.ReadAllText(file), file));
        Assert.Equal(5, back["spec"]!["replicas"]!.GetValue<long>());
        Assert.DoesNotContain("aspiremesh", File.ReadAllText(file));
    }

    [Fact]
    public async Task Standard_input_is_read_and_the_result_printed()
    {
        var run = await RunAsync(new StringReader(Anchors), "inject", "-", "--trust-domain", "shop.mesh");
        Assert.Equal(0, run.Code);
        Assert.Contains("name: aspiremesh-proxy", run.Out);
        var back = await RunAsync(new StringReader(run.Out), "inject", "-", "--uninject");
        Assert.Equal(Anchors, back.Out);
        Assert.Contains("had our sidecars already", (await RunAsync(new StringReader(run.Out), "inject", "-", "--trust-domain", "shop.mesh")).Error);
        Assert.Equal(2, (await RunAsync(new StringReader(Anchors), "inject", "-", "--trust-domain", "shop.mesh", "--in-place")).Code);
    }

    [Fact]
    public async Task Every_pod_that_cannot_have_a_sidecar_is_named_and_nothing_is_written()
    {
        const string Pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, annotations: {ANNOTATION}}\nspec: {containers: [{name: CONTAINER, image: a}], hostNetwork: NETWORK}\n";
        static string Of(string name, string annotation = "", string container = "a", string network = "false") => Pod.Replace("NAME", name).Replace("ANNOTATION", annotation).Replace("CONTAINER", container).Replace("NETWORK", network);
        var pods = Write("pods.yaml", string.Join("---\n", Of("node", network: "true"), Of("istio", container: "istio-proxy"), Of("linkerd", annotation: "linkerd.io/inject: enabled"), Of("fine"), "a: [1\n"));
        var fine = Write("fine.yaml", Anchors);
        var run = await RunAsync("inject", pods, fine, Path.Combine(folder, "missing.yaml"), "--trust-domain", "shop.mesh", "--in-place");

        Assert.Equal(1, run.Code);
        Assert.Empty(run.Out);
        Assert.Equal(Anchors, File.ReadAllText(fine));
        string[] lines = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5, lines.Length);
        Assert.Contains("Pod 'node' uses the node's network", run.Error);
        Assert.Contains("Pod 'istio' has or asks for a sidecar of Istio (the container 'istio-proxy')", run.Error);
        Assert.Contains("Pod 'linkerd' has or asks for a sidecar of Linkerd ('linkerd.io/inject: enabled')", run.Error);
        Assert.Contains("pods.yaml' cannot be read as YAML: line 2", run.Error);
        Assert.Contains("missing.yaml", run.Error);
        Assert.All(lines, line => Assert.Matches(@"\[MESH0\d\d\d\]$", line));
    }

    [Theory]
    [InlineData("inject")]
    [InlineData("inject", "a.yaml", "--no-such-option")]
    public async Task A_command_line_that_cannot_be_understood_is_2(params string[] args) => Assert.Equal(2, (await RunAsync(args)).Code);

    [Fact]
    public async Task A_missing_trust_domain_is_2_and_says_what_to_type()
    {
        var run = await RunAsync("inject", Write("a.yaml", Anchors));
        Assert.Equal(2, run.Code);
        Assert.Contains("aspiremesh inject --trust-domain shop.mesh FILE", run.Error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Write(string name, string text)
    {
        var file = Path.Combine(folder, name);
        File.WriteAllBytes(file, Encoding.UTF8.GetBytes(text));
        return file;
    }

    private static Task<ToolResult> RunAsync(params string[] args) => RunAsync(TextReader.Null, args);

    private static async Task<ToolResult> RunAsync(TextReader input, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await MeshTool.RunAsync(args, new ToolTerminal(output, error, redirected: true, runDirectory: Path.GetTempPath(), input: input), CancellationToken.None);
        return new ToolResult(code, output.ToString(), error.ToString());
    }
}
