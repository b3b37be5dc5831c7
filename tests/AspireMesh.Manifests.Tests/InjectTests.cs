using System.Text.Json.Nodes;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Manifests.Tests;

public class InjectTests
{
    private const string Foreign = """
        # The team's own file.
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}   # left as it is
        data:
          color:   "blue"
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          replicas: 2
          selector:
            matchLabels:
              app: web
          template:
            metadata:
              labels:
                app: web
            spec:
              containers:
              - name: web
                image: web:1
                lifecycle:
                  preStop:
                    exec:
                      command:
                      - sleep
                      - "1"
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata:
          name: nightly
        spec:
          schedule: "0 3 * * *"
          jobTemplate:
            spec:
              template:
                spec:
                  serviceAccountName: cleaner
                  terminationGracePeriodSeconds: 5
                  restartPolicy: Never
                  containers:
                  - name: clean
                    image: clean:1
                  initContainers:
                  - name: first
                    image: first:1

        """;

    private static readonly InjectOptions Options = new("proxy:1", "shop.mesh", "prod");

    [Fact]
    public void Every_pod_gets_a_native_sidecar_without_any_rights()
    {
        var documents = YamlDocuments.Read(ManifestInjector.Inject(Foreign, "foreign.yaml", Options), "injected");
        var web = Find(documents, "Deployment", "web")["spec"]!["template"]!["spec"]!;
        var sidecar = web["initContainers"]![0]!;
        Assert.Equal("Always", sidecar["restartPolicy"]!.GetValue<string>());
        Assert.Equal("""{"runAsNonRoot":true,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}""", sidecar["securityContext"]!.ToJsonString());
        Assert.Equal("web", web["serviceAccountName"]!.GetValue<string>());
        Assert.Equal(60, web["terminationGracePeriodSeconds"]!.GetValue<long>());
        Assert.NotNull(web["containers"]![0]!["lifecycle"]!["preStop"]!["exec"]);
        Find(documents, "ServiceAccount", "web");
        Assert.Equal("web", Find(documents, "Service", "web-mesh")["metadata"]!["labels"]!["aspiremesh.dev/workload"]!.GetValue<string>());

        // A pod with an account of its own keeps it: that is its identity.
        var nightly = Find(documents, "CronJob", "nightly")["spec"]!["jobTemplate"]!["spec"]!["template"]!["spec"]!;
        Assert.Equal("cleaner", nightly["serviceAccountName"]!.GetValue<string>());
        Assert.Equal(5, nightly["terminationGracePeriodSeconds"]!.GetValue<long>());
        Assert.Equal(["aspiremesh-proxy", "first"], nightly["initContainers"]!.AsArray().Select(c => c!["name"]!.GetValue<string>()));
        var bootstrap = JsonNode.Parse(Find(documents, "ConfigMap", "cleaner-sidecar")["data"]!["bootstrap.json"]!.GetValue<string>())!;
        Assert.Equal(("cleaner", "shop.mesh", "prod"), (bootstrap["workload"]!.GetValue<string>(), bootstrap["trustDomain"]!.GetValue<string>(), bootstrap["namespace"]!.GetValue<string>()));
        Assert.DoesNotContain(documents, d => d["kind"]!.GetValue<string>() == "ServiceAccount" && d["metadata"]!["name"]!.GetValue<string>() == "cleaner");
    }

    [Fact]
    public void Injecting_twice_gives_the_same_bytes_and_documents_without_pods_keep_theirs()
    {
        var once = ManifestInjector.Inject(Foreign, "foreign.yaml", Options);
        Assert.Equal(once, ManifestInjector.Inject(once, "foreign.yaml", Options));
        Assert.StartsWith(Foreign[..Foreign.IndexOf("---", StringComparison.Ordinal)], once, StringComparison.Ordinal);
    }

    [Fact]
    public void Uninject_takes_out_everything_that_inject_added()
    {
        var back = ManifestInjector.Uninject(ManifestInjector.Inject(Foreign, "foreign.yaml", Options), "foreign.yaml");
        Assert.Equal(Foreign, back);
        Assert.Equal(back, ManifestInjector.Uninject(back, "foreign.yaml"));
        Assert.Equal(Foreign, ManifestInjector.Uninject(Foreign, "foreign.yaml"));
        Assert.Equal(ManifestInjector.Inject(Foreign, "foreign.yaml", Options), ManifestInjector.Inject(back, "foreign.yaml", Options));
    }

    [Theory]
    [InlineData("Pod", "")]
    [InlineData("StatefulSet", "spec.template")]
    [InlineData("DaemonSet", "spec.template")]
    [InlineData("Job", "spec.template")]
    public void All_kinds_with_pods_are_known(string kind, string path)
    {
        JsonNode body = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "a", ["image"] = "a:1" }) } };
        foreach (var part in path.Split('.', StringSplitOptions.RemoveEmptyEntries).Reverse()) body = new JsonObject { [part] = body };
        var manifest = (JsonObject)body;
        manifest["apiVersion"] = "v1";
        manifest["kind"] = kind;
        manifest["metadata"] = new JsonObject { ["name"] = "a" };
        var text = ManifestYaml.Write(manifest);
        var injected = ManifestInjector.Inject(text, "a.yaml", Options);
        Assert.Contains("name: aspiremesh-proxy", injected, StringComparison.Ordinal);
        Assert.Equal(Trees(text), Trees(ManifestInjector.Uninject(injected, "a.yaml")));
    }

    [Fact]
    public void An_intercepted_pod_has_its_redirect_before_everything_and_that_container_alone_has_a_right()
    {
        JsonObject Pod() => JsonNode.Parse("""{ "spec": { "initContainers": [ { "name": "first" } ], "containers": [ { "name": "a", "image": "a:1" } ] } }""")!.AsObject();
        var template = Pod();
        SidecarPod.Add(template, new SidecarSpec { Workload = "a", Image = "proxy:1", InterceptImage = "intercept:1" });
        var inits = template["spec"]!["initContainers"]!.AsArray();
        Assert.Equal(["aspiremesh-intercept", "aspiremesh-proxy", "first"], inits.Select(c => c!["name"]!.GetValue<string>()));
        Assert.Null(inits[0]!["restartPolicy"]);
        Assert.Equal("""["intercept","--port","15001","--user","15002"]""", inits[0]!["args"]!.ToJsonString());
        Assert.Equal("""{"drop":["ALL"],"add":["NET_ADMIN"]}""", inits[0]!["securityContext"]!["capabilities"]!.ToJsonString());
        Assert.Equal(15002, inits[1]!["securityContext"]!["runAsUser"]!.GetValue<int>());
        Assert.Equal("""{"drop":["ALL"]}""", inits[1]!["securityContext"]!["capabilities"]!.ToJsonString());
        Assert.True(SidecarPod.Remove(template));
        Assert.Equal(Pod().ToJsonString(), template.ToJsonString());
    }

    [Fact]
    public void Every_problem_of_a_file_is_told_with_its_name()
    {
        const string Nameless = "kind: Pod\nspec:\n  containers: []\n---\nkind: Job\nspec:\n  template:\n    spec: {}\n";
        var refused = Assert.Throws<MeshValidationException>(() => ManifestInjector.Inject(Nameless, "bad.yaml", Options));
        Assert.Equal(2, refused.Problems.Length);
        Assert.All(refused.Problems, p => Assert.Contains("'bad.yaml'", p.Message, StringComparison.Ordinal));
        var broken = Assert.Throws<MeshValidationException>(() => ManifestInjector.Inject("a: [1", "bad.yaml", Options));
        Assert.Contains("line", Assert.Single(broken.Problems).Message, StringComparison.Ordinal);
    }

    private static JsonObject Find(IEnumerable<JsonObject> documents, string kind, string name) => documents.Single(d => d["kind"]!.GetValue<string>() == kind && d["metadata"]!["name"]!.GetValue<string>() == name);

    private static string[] Trees(string text) => [.. YamlDocuments.Read(text, "text").Select(d => d.ToJsonString())];
}
