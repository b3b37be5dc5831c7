using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Rendering;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Backends.NetworkServiceMesh;

/// <summary>
/// Network Service Mesh works below requests: one vL3 network for each group of workloads that references join, with our sidecars above it
/// when they stay. It needs SPIRE in the cluster.
/// </summary>
internal sealed class NetworkServiceMeshRenderer : IMeshRenderer
{
    private const string Api = "networkservicemesh.io/v1";

    public MeshBackend Backend => MeshBackend.NetworkServiceMesh;

    public void Render(RenderSession session)
    {
        session.Notices.Add("Network Service Mesh carries packets: keep our sidecars (WithSidecars) for everything about requests. It needs SPIRE in the cluster.");
        var index = 0;
        foreach (var group in Groups(session))
        {
            var name = $"{session.Name}-net-{index}";
            RenderNetwork(session, name, index++);
            foreach (var member in group) session.Mark(member, MarkPlace.PodAnnotation, "networkservicemesh.io", $"kernel://{name}/nsm-1");
        }
        foreach (var item in session.Items) Verdict(session, item);
    }

    private static void RenderNetwork(RenderSession session, string name, int index)
    {
        var ns = session.Placement.Namespace;
        // Whoever asks for a network by its name (the annotation) is led to it. Matches compare labels that NSM's own clients say, not those of pods: by the latter nobody would be.
        session.Add(new(Api, "NetworkService", name, "{{ .Values.mesh.nsm.systemNamespace }}", Map(("spec", Map(("payload", "IP"))))));
        var env = List(
            Map(("name", "NSM_NAME"), ("valueFrom", Map(("fieldRef", Map(("fieldPath", "metadata.name")))))),
            Map(("name", "NSM_SERVICE_NAMES"), ("value", name)),
            Map(("name", "NSM_REGISTER_SERVICE"), ("value", "false")),
            Map(("name", "NSM_CIDR_PREFIX"), ("value", $"172.{16 + (index % 16)}.0.0/16")),
            Map(("name", "SPIFFE_ENDPOINT_SOCKET"), ("value", "unix:///run/spire/sockets/agent.sock")));
        var container = Map(
            ("name", "nse"),
            ("image", "ghcr.io/networkservicemesh/cmd-nse-vl3-vpp:v1.18.0"),
            ("env", env),
            ("volumeMounts", List(Map(("name", "spire-agent-socket"), ("mountPath", "/run/spire/sockets"), ("readOnly", true)), Map(("name", "nsm-socket"), ("mountPath", "/var/lib/networkservicemesh"), ("readOnly", true)))));
        var pod = Map(
            ("containers", List(container)),
            ("volumes", List(
                Map(("name", "spire-agent-socket"), ("hostPath", Map(("path", "/run/spire/sockets"), ("type", "Directory")))),
                Map(("name", "nsm-socket"), ("hostPath", Map(("path", "/var/lib/networkservicemesh"), ("type", "DirectoryOrCreate")))))));
        session.Add(new("apps/v1", "Deployment", name, ns, Map(("spec", Map(
            ("replicas", 1),
            ("selector", Map(("matchLabels", Map(("app", name))))),
            // SPIRE gives identities to pods that have this label.
            ("template", Map(("metadata", Map(("labels", Map(("app", name), ("spiffe.io/spiffe-id", "true"))))), ("spec", pod))))))));
    }

    /// <summary>The workloads that references join, directly or through others, each group sorted; workloads without references are in none.</summary>
    internal static IEnumerable<IReadOnlyList<string>> Groups(RenderSession session)
    {
        var group = session.Model.Workloads.ToDictionary(w => w.Name, w => w.Name);
        string Root(string name) => group[name] == name ? name : group[name] = Root(group[name]);
        foreach (var edge in session.Model.Edges.Where(e => group.ContainsKey(e.From) && group.ContainsKey(e.To))) group[Root(edge.From)] = Root(edge.To);
        return group.Keys.GroupBy(Root).Where(g => g.Count() > 1).Select(g => (IReadOnlyList<string>)[.. g.Order(StringComparer.Ordinal)]).OrderBy(g => g[0], StringComparer.Ordinal);
    }

    private static void Verdict(RenderSession session, PolicyItem item)
    {
        switch (item.Kind)
        {
            case PolicyKind.AllowList when session.KeepSidecars: session.Missing(item, "a vL3 network joins all workloads of a group"); break;
            case PolicyKind.AllowList: session.Approximated(item, "one vL3 network per group of workloads that references join: who is in it reaches all of it; the cluster's own network stays open beside it, unless NetworkPolicies close it"); break;
            case PolicyKind.Mtls: session.Missing(item, "Network Service Mesh encrypts between its own parts, not between applications"); break;
            default: session.Missing(item, $"Network Service Mesh works below requests and has no {item.Kind}"); break;
        }
    }
}
