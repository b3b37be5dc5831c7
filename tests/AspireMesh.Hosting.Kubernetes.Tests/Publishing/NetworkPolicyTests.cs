using System.Text.Json;
using AspireMesh.Manifests.Charts;
using k8s.Models;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>The network policies of the shop, evaluated as a cluster does: what no policy of the sender or of the receiver allows is closed.</summary>
public class NetworkPolicyTests(PublishedShopFixture published) : IClassFixture<PublishedShopFixture>
{
    private const int Inbound = 15006;
    private const int Admin = 15021;
    private const int Gateway = 15080;
    private const int Control = 15010;
    private const string ControlPlane = "aspiremesh-control-plane";
    private static readonly string[] Apps = ["cache", "catalog", "frontend", "inventory", "orders", "payments", "postgres"];
    private static readonly (string From, string To)[] Edges = [("catalog", "cache"), ("frontend", "catalog"), ("frontend", "orders"), ("orders", "inventory"), ("orders", "payments"), ("inventory", "postgres")];

    [Fact]
    public void Nothing_is_open_between_pods_but_the_edges_and_the_control_plane()
    {
        var cluster = Published();
        foreach (var from in Apps.Append(ControlPlane))
        {
            foreach (var to in Apps.Append(ControlPlane).Where(to => to != from))
            {
                foreach (var port in (int[])[Inbound, Admin, Gateway, Control, 8080, 8000, 5432, 22])
                {
                    var expected = (port == Inbound && Edges.Contains((from, to))) || (port == Control && to == ControlPlane);
                    Assert.True(cluster.Allows(Of(from), Of(to), port) == expected, $"{from} -> {to}:{port} is {(expected ? "closed" : "open")}");
                }
            }
        }
    }

    [Fact]
    public void From_outside_only_the_gateway_is_open_and_metrics_to_Prometheus()
    {
        var cluster = Published();
        var stranger = new Pod("elsewhere", []);
        var prometheus = new Pod("monitoring", new() { ["app.kubernetes.io/name"] = "prometheus" });
        foreach (var app in Apps.Append(ControlPlane))
        {
            foreach (var port in (int[])[Inbound, Admin, Gateway, Control, 8080, 8000, 5432])
            {
                Assert.True(cluster.Allows(stranger, Of(app), port) == (app == "frontend" && port == Gateway), $"stranger -> {app}:{port}");
                var scrapes = app != ControlPlane && port == Admin;
                Assert.True(cluster.Allows(prometheus, Of(app), port) == (scrapes || (app == "frontend" && port == Gateway)), $"prometheus -> {app}:{port}");
            }
        }
    }

    [Fact]
    public void To_the_outside_only_DNS_and_telemetry_are_open()
    {
        var cluster = Published();
        var dns = new Pod("kube-system", new() { ["k8s-app"] = "kube-dns" });
        var other = new Pod("elsewhere", []);
        foreach (var app in Apps)
        {
            Assert.True(cluster.Allows(Of(app), dns, 53, "UDP"));
            Assert.True(cluster.Allows(Of(app), other, 4317));
            Assert.False(cluster.Allows(Of(app), other, 443));
            Assert.False(cluster.Allows(Of(app), dns, 8080));
            Assert.False(cluster.Allows(Of(app), null, 443));
        }
        Assert.True(cluster.Allows(Of(ControlPlane), null, 6443));
    }

    private Cluster Published() =>
        new([.. ChartReader.Render(published.Shop.Folder, new ChartRelease { Name = "shop" }).Where(o => o.Kind == "NetworkPolicy").Select(o => o.Body.Deserialize<V1NetworkPolicy>()!)]);

    private static Pod Of(string component) => new("default", new() { ["app.kubernetes.io/component"] = component, ["app.kubernetes.io/instance"] = "shop", ["app.kubernetes.io/name"] = "shop-apphost" });

    /// <summary>A pod; null stands for an address outside the cluster.</summary>
    private sealed record Pod(string Namespace, Dictionary<string, string> Labels);

    private sealed class Cluster(V1NetworkPolicy[] policies)
    {
        public bool Allows(Pod? from, Pod? to, int port, string protocol = "TCP")
        {
            var sending = policies.Where(p => from is not null && Selects(p, from, "Egress")).ToArray();
            var receiving = policies.Where(p => to is not null && Selects(p, to, "Ingress")).ToArray();
            return (sending.Length == 0 || sending.Any(p => (p.Spec.Egress ?? []).Any(r => Ports(r.Ports, port, protocol) && Peers(r.To, to))))
                && (receiving.Length == 0 || receiving.Any(p => (p.Spec.Ingress ?? []).Any(r => Ports(r.Ports, port, protocol) && Peers(r.FromProperty, from))));
        }

        private static bool Selects(V1NetworkPolicy policy, Pod pod, string direction) => pod.Namespace == "default" && Matches(policy.Spec.PodSelector, pod) && policy.Spec.PolicyTypes.Contains(direction);

        private static bool Ports(IList<V1NetworkPolicyPort>? ports, int port, string protocol) => ports is null or [] || ports.Any(p => p.Port!.Value == $"{port}" && p.Protocol == protocol);

        private static bool Peers(IList<V1NetworkPolicyPeer>? peers, Pod? pod) => peers is null or [] || peers.Any(peer => Is(peer, pod));

        private static bool Is(V1NetworkPolicyPeer peer, Pod? pod)
        {
            // The only range in use is every address.
            if (peer.IpBlock is not null) return pod is null && peer.IpBlock.Cidr == "0.0.0.0/0";
            return pod is not null && (peer.NamespaceSelector is not null || pod.Namespace == "default") && (peer.PodSelector is null || Matches(peer.PodSelector, pod));
        }

        private static bool Matches(V1LabelSelector selector, Pod pod) => (selector.MatchLabels ?? new Dictionary<string, string>()).All(l => pod.Labels.GetValueOrDefault(l.Key) == l.Value);
    }
}
