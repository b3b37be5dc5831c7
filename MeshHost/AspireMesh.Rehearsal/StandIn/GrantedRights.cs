using AspireMesh.Rehearsal.Reading;
using k8s.Models;

namespace AspireMesh.Rehearsal.StandIn;

/// <summary>
/// What the chart's roles let its pods ask of an API server. A chart that lacks a permission, or a control plane that asks for more than its chart says, shows in the rehearsal
/// as it would in a cluster. The pods of a rehearsal share one way to the server, so the rights of their accounts are added up; only the control plane uses it.
/// </summary>
internal sealed class GrantedRights
{
    private readonly V1PolicyRule[] _rules;

    private GrantedRights(IEnumerable<V1PolicyRule> rules) => _rules = [.. rules];

    /// <summary>The rights of the accounts that pods run as; null for manifests that bind no role, where nothing is known of rights.</summary>
    public static GrantedRights? Of(ManifestSet manifests)
    {
        var accounts = manifests.Workloads().Select(w => w.Template.Spec.ServiceAccountName ?? "default").ToHashSet();
        var bindings = manifests.Of<V1RoleBinding>("RoleBinding").Select(b => (Ref: b.RoleRef, b.Subjects))
            .Concat(manifests.Of<V1ClusterRoleBinding>("ClusterRoleBinding").Select(b => (Ref: b.RoleRef, b.Subjects))).ToArray();
        if (bindings.Length == 0) return null;
        var roles = manifests.Of<V1Role>("Role").Select(r => (Kind: "Role", r.Metadata.Name, r.Rules))
            .Concat(manifests.Of<V1ClusterRole>("ClusterRole").Select(r => (Kind: "ClusterRole", r.Metadata.Name, r.Rules))).ToArray();
        var bound = bindings.Where(b => (b.Subjects ?? []).Any(s => s.Kind == "ServiceAccount" && accounts.Contains(s.Name))).Select(b => (b.Ref.Kind, b.Ref.Name)).ToHashSet();
        return new GrantedRights(roles.Where(r => bound.Contains((r.Kind, r.Name))).SelectMany(r => r.Rules ?? []));
    }

    /// <summary>Whether a request is granted. A rule with names grants no request without one: a server cannot tell what it would find.</summary>
    /// <param name="verb">get, list, watch, create, update or delete.</param>
    /// <param name="group">The API group; empty for the core one.</param>
    /// <param name="resource">The resource, in the plural.</param>
    /// <param name="name">The one object that is asked for; null for none.</param>
    public bool Allows(string verb, string group, string resource, string? name) => _rules.Any(r =>
        Has(r.Verbs, verb) && Has(r.ApiGroups, group) && Has(r.Resources, resource)
        && (r.ResourceNames is not { Count: > 0 } names || (name is not null && names.Contains(name))));

    private static bool Has(IList<string>? list, string value) => list is not null && (list.Contains(value) || list.Contains("*"));
}
