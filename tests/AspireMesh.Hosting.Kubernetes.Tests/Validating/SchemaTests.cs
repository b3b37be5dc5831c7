using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Hosting.Kubernetes.Tests.Rendering;

namespace AspireMesh.Hosting.Kubernetes.Tests.Validating;

/// <summary>Every object that a renderer makes is of its kind's shape, and a schema that would take anything is found out by mistakes made on purpose.</summary>
public class SchemaTests
{
    /// <summary>Maps whose keys are the user's: any key is right there.</summary>
    private static readonly HashSet<string> FreeKeys =
    [
        "labels", "annotations", "matchLabels", "data", "stringData", "limits", "requests", "source_selector", "destination_selector", "subsets", "sourceLabels", "Gateway.spec.selector",
        // VirtualService: headers and queryParams are maps by name under match, set and add are maps of header edits; Consul has the latter too.
        "match.headers", "match.queryParams", "request.set", "request.add", "response.set", "response.add", "requestHeaders.set", "requestHeaders.add", "responseHeaders.set", "responseHeaders.add",
    ];

    public static TheoryData<MeshBackend> Backends => [.. MeshRenderers.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public void Every_object_of_a_mesh_that_uses_every_policy_validates(MeshBackend backend) => Assert.Empty(Objects(backend).SelectMany(MeshKinds.Check));

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_misspelt_field_is_refused_wherever_it_is(MeshBackend backend)
    {
        var taken = new List<string>();
        foreach (var body in Objects(backend))
        {
            foreach (var (path, owner, key) in Fields(body, body["kind"]!.GetValue<string>()).ToArray())
            {
                var (value, at) = (owner[key], owner.IndexOf(key));
                owner.RemoveAt(at);
                owner.Insert(at, key + "x", value);
                if (MeshKinds.Check(body).Count == 0) taken.Add($"{path}x");
                owner.RemoveAt(at);
                owner.Insert(at, key, value);
            }
        }
        Assert.Empty(taken.Distinct());
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_value_of_another_type_is_refused_wherever_it_is(MeshBackend backend)
    {
        var taken = new List<string>();
        foreach (var body in Objects(backend))
        {
            foreach (var (path, owner, key) in Fields(body, body["kind"]!.GetValue<string>()).ToArray())
            {
                var value = owner[key];
                owner[key] = value is JsonArray or JsonObject ? "text" : new JsonArray(new JsonArray());
                if (MeshKinds.Check(body).Count == 0) taken.Add(path);
                owner[key] = value;
            }
        }
        Assert.Empty(taken.Distinct());
    }

    [Theory]
    [InlineData(MeshBackend.Istio, "VirtualService", "destination", "host")]
    [InlineData(MeshBackend.Istio, "DestinationRule", "spec", "host")]
    [InlineData(MeshBackend.IstioAmbient, "Gateway", "spec", "gatewayClassName")]
    [InlineData(MeshBackend.IstioAmbient, "HTTPRoute", "backendRefs", "name")]
    [InlineData(MeshBackend.Linkerd, "Server", "spec", "port")]
    [InlineData(MeshBackend.Linkerd, "AuthorizationPolicy", "spec", "targetRef")]
    [InlineData(MeshBackend.Consul, "ServiceDefaults", "metadata", "name")]
    [InlineData(MeshBackend.Kuma, "MeshTimeout", "targetRef", "kind")]
    [InlineData(MeshBackend.Kuma, "MeshHTTPRoute", "rules", "matches")]
    [InlineData(MeshBackend.OpenServiceMesh, "Retry", "retryPolicy", "perTryTimeout")]
    [InlineData(MeshBackend.OpenServiceMesh, "TrafficTarget", "destination", "name")]
    [InlineData(MeshBackend.AppMesh, "VirtualNode", "portMapping", "port")]
    [InlineData(MeshBackend.NetworkServiceMesh, "NetworkService", "spec", "payload")]
    public void A_missing_field_that_has_to_be_there_is_refused(MeshBackend backend, string kind, string owner, string field)
    {
        var body = Objects(backend).First(o => o["kind"]!.GetValue<string>() == kind && Fields(o).Any(f => f.Key == field && NameOf(f.Owner) == owner));
        Fields(body).First(f => f.Key == field && NameOf(f.Owner) == owner).Owner.Remove(field);
        Assert.NotEmpty(MeshKinds.Check(body));
    }

    [Fact]
    public void Every_schema_is_of_a_kind_that_some_mesh_is_rendered_as_and_names_its_source()
    {
        var used = MeshRenderers.Backends.SelectMany(Objects).Select(MeshKinds.KindOf).ToHashSet();
        Assert.Equal(MeshKinds.All.Where(used.Contains), MeshKinds.All);
        Assert.All(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Schemas"), "*.json"), f => Assert.StartsWith("From ", JsonNode.Parse(File.ReadAllText(f))!["$comment"]!.GetValue<string>(), StringComparison.Ordinal));
    }

    private static IEnumerable<JsonObject> Objects(MeshBackend backend) => MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement).Objects.Select(o => (JsonObject)o.Body.DeepClone());

    /// <summary>Every field whose name is the mesh's.</summary>
    private static IEnumerable<(string Path, JsonObject Owner, string Key)> Fields(JsonNode? node, string path = "")
    {
        if (node is JsonArray list)
        {
            foreach (var field in list.SelectMany(i => Fields(i, path))) yield return field;
        }
        if (node is not JsonObject map) yield break;
        foreach (var (key, value) in map)
        {
            if (!IsFree(path)) yield return ($"{path}.{key}", map, key);
            foreach (var field in Fields(value, $"{path}.{key}")) yield return field;
        }
    }

    private static bool IsFree(string path) => FreeKeys.Any(k => path == k || path.EndsWith($".{k}", StringComparison.Ordinal));

    private static string? NameOf(JsonObject owner) => owner.Parent is JsonArray list ? list.GetPropertyName() : owner.Parent is null ? null : owner.GetPropertyName();
}
