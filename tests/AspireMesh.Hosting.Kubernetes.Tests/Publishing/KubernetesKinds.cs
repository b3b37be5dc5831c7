using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using k8s.Models;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>Reads objects of Kubernetes' own kinds into KubernetesClient's models, which are generated from Kubernetes' API schema; a field that is not in the model is refused.</summary>
internal static class KubernetesKinds
{
    private static readonly JsonSerializerOptions Strict = new() { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    private static readonly Dictionary<string, Type> Types = new()
    {
        ["apps/v1/Deployment"] = typeof(V1Deployment),
        ["v1/ConfigMap"] = typeof(V1ConfigMap),
        ["v1/Secret"] = typeof(V1Secret),
        ["v1/Service"] = typeof(V1Service),
        ["v1/ServiceAccount"] = typeof(V1ServiceAccount),
        ["v1/Namespace"] = typeof(V1Namespace),
        ["v1/Pod"] = typeof(V1Pod),
        ["networking.k8s.io/v1/NetworkPolicy"] = typeof(V1NetworkPolicy),
        ["policy/v1/PodDisruptionBudget"] = typeof(V1PodDisruptionBudget),
        ["rbac.authorization.k8s.io/v1/Role"] = typeof(V1Role),
        ["rbac.authorization.k8s.io/v1/RoleBinding"] = typeof(V1RoleBinding),
        ["rbac.authorization.k8s.io/v1/ClusterRole"] = typeof(V1ClusterRole),
        ["rbac.authorization.k8s.io/v1/ClusterRoleBinding"] = typeof(V1ClusterRoleBinding),
    };

    /// <summary>What is wrong with an object; null for nothing. A kind of another owner is not known here.</summary>
    public static string? Check(JsonObject body)
    {
        var kind = $"{body["apiVersion"]}/{body["kind"]}";
        if (!Types.TryGetValue(kind, out var type)) return $"{kind} is not known here";
        try
        {
            body.Deserialize(type, Strict);
            return null;
        }
        catch (JsonException e)
        {
            return $"{kind} {(body["metadata"] as JsonObject)?["name"]}: {e.Message}";
        }
    }
}

public class KubernetesKindsTests
{
    [Theory]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"template":{"spec":{"containers":[{"name":"a","imagee":"b"}]}}}}""", "imagee")]
    [InlineData("""{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a"},"spec":{"podSelectors":{}}}""", "podSelectors")]
    [InlineData("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"port":"eighty"}]}}""", "port")]
    [InlineData("""{"apiVersion":"v1","kind":"Sevice","metadata":{"name":"a"}}""", "is not known")]
    public void A_misspelt_field_or_kind_and_a_wrong_type_are_found(string json, string named) =>
        Assert.Contains(named, KubernetesKinds.Check((JsonObject)JsonNode.Parse(json)!), StringComparison.Ordinal);
}
