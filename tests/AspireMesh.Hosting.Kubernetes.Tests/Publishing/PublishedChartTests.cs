using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Hosting.Kubernetes.Tests.Validating;
using AspireMesh.Manifests.Charts;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>The shop's chart as its AppHost publishes it.</summary>
public class PublishedChartTests(PublishedShopFixture published) : IClassFixture<PublishedShopFixture>
{
    private const string Password = "correct-horse-battery-staple";

    public static TheoryData<MeshBackend> Backends => [MeshBackend.AspireMesh, .. MeshRenderers.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task The_whole_chart_is_as_reviewed_valid_and_without_loose_ends_or_secrets_and_is_the_same_the_second_time(MeshBackend backend)
    {
        string[] arguments = [$"--Mesh:PublishTo={backend}", $"--Parameters:postgres-password={Password}"];
        using var shop = await PublishedShop.PublishAsync(arguments);
        var files = shop.Files();
        // The plain manifests say the same again; the rehearsal's file names this machine's folders.
        Snapshots.Verify($"Shop/{backend}", files.Where(f => !f.Key.StartsWith("kustomize/", StringComparison.Ordinal) && f.Key != "rehearse.json").ToDictionary());

        var objects = ChartReader.Render(shop.Folder, new ChartRelease { Name = "shop", Namespace = "prod" }).Select(o => o.Body).ToArray();
        Assert.Empty(objects.SelectMany(MeshKinds.Check));
        var references = new References(Landscape.Of("prod", objects), ReferenceTests.Outside);
        references.Walk();
        Assert.Empty(references.Dangling);
        Assert.True(references.Seen > 20, $"only {references.Seen} references were found");
        // Helm makes the release's namespace, and refuses a chart that holds it.
        Assert.DoesNotContain(objects, o => o["kind"]!.GetValue<string>() == "Namespace");

        Assert.Empty(files.SelectMany(f => Secrecy.In(f.Value).Select(found => $"{f.Key}: {found}")));
        Assert.DoesNotContain(files.Values, text => text.Contains(Password, StringComparison.Ordinal));
        // Another test says so where kubectl is missing.
        _ = Kustomized(shop);
        Assert.Contains("AllowList", shop.Log, StringComparison.Ordinal);

        await shop.AgainAsync(arguments);
        Assert.Equal(files, shop.Files());
    }

    [Fact]
    public void Secret_parameters_stay_references()
    {
        var secrets = published.Shop.Files().Where(f => f.Key.StartsWith("templates/", StringComparison.Ordinal) && f.Value.Contains("kind: Secret", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["templates/inventory/secrets.yaml", "templates/postgres/secrets.yaml"], secrets.Select(s => s.Key));
        Assert.All(secrets, s => Assert.Contains("{{ .Values.secrets.", s.Value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_egress_is_watched_apps_are_told_of_the_forward_proxy_in_their_pod()
    {
        using var shop = await PublishedShop.PublishAsync("--Mesh:UndeclaredEgress=Refuse");
        var values = Assert.Single(YamlDocuments.Read(shop.Files()["values.yaml"], "values.yaml"));
        foreach (var app in new[] { "frontend", "orders", "payments" })
        {
            var config = (JsonObject)values["config"]![app]!;
            foreach (var name in new[] { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" }) Assert.Equal("http://127.0.0.1:15011", config[name]!.GetValue<string>());
            Assert.StartsWith("localhost,127.0.0.1", config["no_proxy"]!.GetValue<string>());
        }
        Assert.Contains(shop.Files().Values, text => text.Contains("127.0.0.1:15011", StringComparison.Ordinal) && text.Contains("undeclaredEgress", StringComparison.Ordinal));
        Assert.Empty(ChartReader.Render(shop.Folder, new ChartRelease()).Select(o => KubernetesKinds.Check(o.Body)).OfType<string>());
    }

    [Fact]
    public void References_name_the_sidecars_listeners_as_on_the_laptop()
    {
        var shop = published.Shop;
        var values = Assert.Single(YamlDocuments.Read(shop.Files()["values.yaml"], "values.yaml"));
        var frontend = (JsonObject)values["config"]!["frontend"]!;
        Assert.Equal("http://127.0.0.1:18080", frontend["services__catalog__http__0"]!.GetValue<string>());
        Assert.Equal("http://127.0.0.1:18081", frontend["services__orders__http__0"]!.GetValue<string>());
        Assert.DoesNotContain(frontend, e => e.Key.Contains("__https__", StringComparison.Ordinal));
        Assert.Equal("8000", values["config"]!["payments"]!["PORT"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_loss_is_an_error_when_strictness_is_asked_for_and_a_verdict_otherwise()
    {
        using var lenient = await PublishedShop.PublishAsync("--Mesh:PublishTo=OpenServiceMesh");
        Assert.Contains("refused", lenient.Files()["mesh-report.md"], StringComparison.Ordinal);
        Assert.Contains("[MESH0704]", lenient.Log, StringComparison.Ordinal);

        using var strict = await PublishedShop.TryAsync("--Mesh:PublishTo=OpenServiceMesh", "--strict");
        Assert.NotEqual(0, strict.ExitCode);
        var verdicts = JsonNode.Parse(lenient.Files()["mesh-report.json"])!["backends"]![0]!["verdicts"]!.AsArray();
        var lost = verdicts.Where(v => v!["verdict"]!.GetValue<string>() == "refused").Select(v => $"{v!["policy"]} of {v["subject"]} is lost in OpenServiceMesh").ToArray();
        Assert.NotEmpty(lost);
        Assert.All(lost, loss => Assert.Contains(loss, strict.Log, StringComparison.Ordinal));

        using var nothingLost = await PublishedShop.PublishAsync("--strict");
    }

    [Fact]
    public void Plain_manifests_are_the_chart_with_its_defaults_and_helm_where_it_is_found_agrees()
    {
        var shop = published.Shop;
        var rendered = ChartReader.Render(shop.Folder, new ChartRelease());
        var plain = shop.Files().Where(f => f.Key.StartsWith("kustomize/", StringComparison.Ordinal) && !f.Key.EndsWith("kustomization.yaml", StringComparison.Ordinal)).SelectMany(f => YamlDocuments.Read(f.Value, f.Key)).ToArray();
        Assert.Equal(Sorted(rendered.Select(o => o.Body)), Sorted(plain));

        if (Run("helm", "template", "shop-apphost", shop.Folder) is { } helm) Assert.Equal(Sorted(plain), Sorted(YamlDocuments.Read(helm, "helm")));
    }

    [Fact]
    public void Kubectl_kustomize_takes_the_plain_manifests()
    {
        Assert.SkipUnless(Kustomized(published.Shop), "no kubectl here: apt-get install kubernetes-client");
    }

    [Fact]
    public void The_rehearsal_knows_where_every_image_came_from()
    {
        var shop = published.Shop;
        var workloads = (JsonArray)JsonNode.Parse(shop.Files()["rehearse.json"])!["workloads"]!;
        Assert.Equal(["cache", "catalog", "frontend", "inventory", "orders", "payments"], workloads.Select(w => w!["name"]!.GetValue<string>()));
        var catalog = workloads[1]!["project"]!.GetValue<string>();
        Assert.True(File.Exists(Path.GetFullPath(catalog, shop.Folder)), catalog);
        Assert.Equal("""{"name":"payments","container":"payments","inMesh":true,"command":"node","arguments":["server.js"]}""", Without(workloads[5]!, "workingDirectory"));
    }

    /// <summary>The plain manifests as the real program reads them; false where it is not installed.</summary>
    private static bool Kustomized(PublishedShop shop)
    {
        if (Run("kubectl", "kustomize", Path.Combine(shop.Folder, "kustomize")) is not { } kustomized) return false;
        Assert.Equal(Sorted(ChartReader.Render(shop.Folder, new ChartRelease()).Select(o => o.Body)), Sorted(YamlDocuments.Read(kustomized, "kubectl")));
        return true;
    }

    private static string Without(JsonNode node, string key)
    {
        ((JsonObject)node).Remove(key);
        return node.ToJsonString();
    }

    /// <summary>Objects without regard to the order of keys and of objects.</summary>
    private static string[] Sorted(IEnumerable<JsonObject> objects) => [.. objects.Select(o => Canonical(o)!.ToJsonString()).Order(StringComparer.Ordinal)];

    private static JsonNode? Canonical(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => KeyValuePair.Create(e.Key, Canonical(e.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Canonical)]),
        _ => node?.DeepClone(),
    };

    /// <summary>What a program prints; null where it is not installed.</summary>
    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return output;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
