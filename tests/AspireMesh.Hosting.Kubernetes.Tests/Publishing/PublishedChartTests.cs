using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Manifests.Charts;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>The shop's chart as its AppHost publishes it.</summary>
public class PublishedChartTests(PublishedShopFixture published) : IClassFixture<PublishedShopFixture>
{
    public static TheoryData<MeshBackend> Backends => [MeshBackend.AspireMesh, .. MeshRenderers.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task The_whole_chart_is_as_reviewed_and_every_Kubernetes_object_has_only_fields_of_its_kind(MeshBackend backend)
    {
        using var shop = await PublishedShop.PublishAsync($"--Mesh:PublishTo={backend}");
        // The plain manifests say the same again; the rehearsal's file names this machine's folders.
        var chart = shop.Files().Where(f => !f.Key.StartsWith("kustomize/", StringComparison.Ordinal) && f.Key != "rehearse.json").ToDictionary();
        Snapshots.Verify($"Shop/{backend}", chart);
        Assert.Empty(ChartReader.Render(shop.Folder, new ChartRelease()).Select(o => KubernetesKinds.Check(o.Body)).OfType<string>());
        Assert.Contains("AllowList", shop.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publishing_again_gives_the_same_bytes()
    {
        using var shop = await PublishedShop.PublishAsync();
        var first = shop.Files();
        await shop.AgainAsync();
        Assert.Equal(first, shop.Files());
    }

    [Fact]
    public async Task No_password_token_or_key_is_in_any_file_and_secret_parameters_stay_references()
    {
        const string Password = "correct-horse-battery-staple";
        using var shop = await PublishedShop.PublishAsync($"--Parameters:postgres-password={Password}");
        Assert.All(shop.Files().Values, text =>
        {
            Assert.DoesNotContain(Password, text, StringComparison.Ordinal);
            Assert.DoesNotContain("PRIVATE KEY", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"joinToken\"", text, StringComparison.Ordinal);
        });
        var secrets = shop.Files().Where(f => f.Key.StartsWith("templates/", StringComparison.Ordinal) && f.Value.Contains("kind: Secret", StringComparison.Ordinal)).ToArray();
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
            foreach (var name in new[] { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" }) Assert.Equal("http://127.0.0.1:15001", config[name]!.GetValue<string>());
            Assert.StartsWith("localhost,127.0.0.1", config["no_proxy"]!.GetValue<string>());
        }
        Assert.Contains(shop.Files().Values, text => text.Contains("127.0.0.1:15001", StringComparison.Ordinal) && text.Contains("undeclaredEgress", StringComparison.Ordinal));
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
        Assert.Contains("is lost in OpenServiceMesh", strict.Log, StringComparison.Ordinal);

        using var nothingLost = await PublishedShop.PublishAsync("--strict");
    }

    [Fact]
    public void Plain_manifests_are_the_chart_with_its_defaults_and_other_programs_agree()
    {
        var shop = published.Shop;
        var rendered = ChartReader.Render(shop.Folder, new ChartRelease());
        var plain = shop.Files().Where(f => f.Key.StartsWith("kustomize/", StringComparison.Ordinal) && !f.Key.EndsWith("kustomization.yaml", StringComparison.Ordinal)).SelectMany(f => YamlDocuments.Read(f.Value, f.Key)).ToArray();
        Assert.Equal(Sorted(rendered.Select(o => o.Body)), Sorted(plain));

        if (Run("kubectl", "kustomize", Path.Combine(shop.Folder, "kustomize")) is { } kustomized) Assert.Equal(Sorted(plain), Sorted(YamlDocuments.Read(kustomized, "kubectl")));
        if (Run("helm", "template", "shop-apphost", shop.Folder) is { } helm) Assert.Equal(Sorted(plain), Sorted(YamlDocuments.Read(helm, "helm")));
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
