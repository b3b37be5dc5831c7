using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Rehearsal.Pods;
using AspireMesh.Rehearsal.Reading;
using AspireMesh.Rehearsal.StandIn;
using k8s.Models;

namespace AspireMesh.Rehearsal.Addressing;

/// <summary>What a cluster makes of Services: addresses that lead to their pods, names for them, and EndpointSlices that say which pods are ready.</summary>
internal sealed class ServiceDirectory(ManifestSet manifests, IReadOnlyList<PodPlan> pods, IPodSite site, StoredObjects objects)
{
    private readonly V1Service[] _services = [.. manifests.Of<V1Service>("Service").Where(s => s.Spec?.Selector is { Count: > 0 })];

    /// <summary>A pod's <c>/etc/hosts</c>: itself, and every Service under the names that DNS has for it.</summary>
    public string Hosts(PodPlan pod)
    {
        var hosts = new StringBuilder("127.0.0.1 localhost\n").Append(pod.Ip).Append(' ').Append(pod.Name).Append('\n');
        foreach (var (service, index) in _services.Select((s, i) => (s, i)))
        {
            var name = service.Metadata.Name;
            var ns = manifests.Namespace;
            foreach (var address in IsHeadless(service) ? Chosen(service).Select(p => p.Ip) : [site.ServiceAddress(index)])
            {
                hosts.Append(address).Append($" {name} {name}.{ns} {name}.{ns}.svc {name}.{ns}.svc.cluster.local\n");
            }
        }
        return hosts.ToString();
    }

    /// <summary>Where Services' addresses lead: address and port, and the pods behind it.</summary>
    public IEnumerable<(string Address, int Port, IReadOnlyList<(string Ip, int Port)> Targets)> Routes() => _services.Select((service, index) => (service, index))
        .Where(s => !IsHeadless(s.service))
        .SelectMany(s => (s.service.Spec.Ports ?? []).Select(port => (site.ServiceAddress(s.index), port.Port, Targets(s.service, port))))
        .Where(r => r.Item3.Count > 0);

    /// <summary>Writes the Services with the addresses that they have got.</summary>
    public void PublishServices()
    {
        foreach (var (service, index) in _services.Select((s, i) => (s, i)))
        {
            var body = manifests.OfKind("Service").First(s => (string?)s["metadata"]!["name"] == service.Metadata.Name).DeepClone().AsObject();
            if (!IsHeadless(service)) body["spec"]!["clusterIP"] = site.ServiceAddress(index);
            objects.Put("services", body);
        }
    }

    /// <summary>Writes the EndpointSlices anew.</summary>
    public void Publish(Func<string, bool> isReady)
    {
        foreach (var service in _services)
        {
            var chosen = Chosen(service);
            var labels = new JsonObject { ["kubernetes.io/service-name"] = service.Metadata.Name, ["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io" };
            foreach (var (key, value) in service.Metadata.Labels ?? new Dictionary<string, string>()) labels[key] = value;
            objects.Put("endpointslices", new JsonObject
            {
                ["apiVersion"] = "discovery.k8s.io/v1",
                ["kind"] = "EndpointSlice",
                ["addressType"] = "IPv4",
                ["metadata"] = new JsonObject { ["name"] = $"{service.Metadata.Name}-rehearsal", ["namespace"] = manifests.Namespace, ["labels"] = labels },
                ["ports"] = new JsonArray([.. (service.Spec.Ports ?? []).Where(p => chosen.Count > 0 && Target(chosen[0], p) is not null).Select(p => new JsonObject { ["name"] = p.Name ?? "", ["port"] = Target(chosen[0], p), ["protocol"] = "TCP" })]),
                ["endpoints"] = new JsonArray([.. chosen.Select(p => new JsonObject
                {
                    ["addresses"] = new JsonArray(p.Ip),
                    ["conditions"] = new JsonObject { ["ready"] = isReady(p.Name), ["serving"] = isReady(p.Name), ["terminating"] = false },
                    ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["name"] = p.Name, ["namespace"] = manifests.Namespace },
                })]),
            });
        }
    }

    /// <summary>Where what is reached from outside is reached here: Services that a cluster would give an address of its own, and the mesh's gateways.</summary>
    public IEnumerable<(string Name, string Address)> Outside() => _services
        .Select(s => (Service: s, Gateway: s.Metadata.Labels?.TryGetValue(SidecarPlaces.GatewayLabel, out var name) == true ? name : null))
        .Where(s => s.Gateway is not null || s.Service.Spec.Type is "LoadBalancer" or "NodePort")
        .SelectMany(s => (s.Service.Spec.Ports ?? []).SelectMany(p => Targets(s.Service, p).Take(1)).Select(t => (s.Gateway ?? s.Service.Metadata.Name, $"{t.Ip}:{t.Port}")));

    private IReadOnlyList<(string Ip, int Port)> Targets(V1Service service, V1ServicePort port) =>
        [.. Chosen(service).Select(p => (p.Ip, Port: Target(p, port))).Where(t => t.Port is not null).Select(t => (t.Ip, t.Port!.Value))];

    private static bool IsHeadless(V1Service service) => service.Spec.ClusterIP == "None";

    private List<PodPlan> Chosen(V1Service service) => [.. pods.Where(p => p.IsChosenBy(service.Spec.Selector))];

    private static int? Target(PodPlan pod, V1ServicePort port) => pod.Port(port.TargetPort?.Value ?? port.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
