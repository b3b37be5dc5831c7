using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>The published roles, as reviewed for the shop's chart, against what the control plane really asks of an API server: no permission is missing and none is spare.</summary>
public class PermissionTests
{
    [Fact]
    public async Task The_control_plane_asks_for_all_that_its_roles_grant_and_for_nothing_else()
    {
        await using var cluster = await Cluster.StartAsync();
        await LiveAsync(cluster);

        var granted = Granted("role-control-plane").Concat(Granted("clusterrole-control-plane")).Distinct().Order(StringComparer.Ordinal).ToArray();
        var asked = cluster.Api.Calls.Select(c => c.StartsWith("create ", StringComparison.Ordinal) ? c.Split('/')[0] : c).Distinct().Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(granted, asked);
    }

    /// <summary>All that happens to a control plane: it starts without anything, leads, lets pods join, changes its root, hands over to another replica and to one more.</summary>
    private static async Task LiveAsync(Cluster cluster)
    {
        cluster.PutApiPods(("api-6c9f", cluster.ApiAddress, true));
        var first = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => first.Mesh is not null);
        cluster.MountBundle();
        var api = cluster.Sidecar("api", "api-6c9f", first.Address);
        await api.StartAsync(CancellationToken.None);
        await cluster.UntilAsync(() => first.Mesh!.IsConnected("api-6c9f"));
        await first.Mesh!.RotateRootAsync(CancellationToken.None);
        var second = cluster.StartReplica("control-b");
        await cluster.UntilAsync(() => second.ControlPlane.Leader is not null);
        await first.StopAsync();
        await cluster.UntilAsync(() => second.Mesh is not null);
    }

    private static IEnumerable<string> Granted(string role)
    {
        var body = Assert.Single(YamlDocuments.Read(TemplateText(role), role));
        foreach (var rule in body["rules"]!.AsArray())
        {
            foreach (var resource in Texts(rule!["resources"]))
            {
                foreach (var verb in Texts(rule["verbs"]))
                {
                    foreach (var name in rule["resourceNames"] is JsonArray names ? Texts(names).Select(n => $"/{n}") : [""]) yield return $"{verb} {resource}{name}";
                }
            }
        }
    }

    private static IEnumerable<string> Texts(JsonNode? list) => list!.AsArray().Select(v => v!.GetValue<string>());

    private static string TemplateText(string name, [CallerFilePath] string caller = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(caller)!, "..", "AspireMesh.Hosting.Kubernetes.Tests", "Snapshots", "Shop", "AspireMesh", "templates", "aspiremesh", $"{name}.verified.yaml"));
}
