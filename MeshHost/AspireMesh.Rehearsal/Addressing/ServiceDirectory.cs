using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Rehearsal.Pods;
using AspireMesh.Rehearsal.Reading;
using AspireMesh.Rehearsal.StandIn;
using k8s.Models;

namespace AspireMesh.Rehearsal.Addressing;

/// <summary>What a cluster makes of Services: addresses that lead to their pods, names for them, and EndpointSlices that say which pods are ready.</summary>
internal sealed class ServiceDirectory(ManifestSet manifests, IReadOnlyList<PodPlan> pods, PodNetwork network, StoredObjects objects)
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
            foreach (var address in IsHeadless(service) ? Chosen(service).Select(p => p.Ip) : [network.ServiceAddress(index)])
            {
                hosts.Append(address).Append($" {name} {name}.{ns} {name}.{ns}.svc {name}.{ns}.svc.cluster.local\n");
            }
        }
        return hosts.ToString();
    }

    /// <summary>Lets Services' addresses lead to their pods, seen from one pod.</summary>
    public async Task ConnectAsync(string pod)
    {
        foreach (var (service, index) in _services.Select((s, i) => (s, i)).Where(s => !IsHeadless(s.s)))
        {
            foreach (var port in service.Spec.Ports ?? [])
            {
                (string, int)[] targets = [.. Chosen(service).Where(p => Target(p, port) is not null).Select(p => (p.Ip, Target(p, port)!.Value))];
                if (targets.Length > 0) await network.AddServiceAsync(pod, network.ServiceAddress(index), port.Port, targets);
            }
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

    /// <summary>Where the Services that are reached from outside are reached here.</summary>
    public IEnumerable<(string Service, string Address)> Outside() => _services
        .Where(s => s.Spec.Type is "LoadBalancer" or "NodePort")
        .SelectMany(s => (s.Spec.Ports ?? []).SelectMany(p => Chosen(s).Take(1).Where(pod => Target(pod, p) is not null).Select(pod => (s.Metadata.Name, $"{pod.Ip}:{Target(pod, p)}"))));

    private static bool IsHeadless(V1Service service) => service.Spec.ClusterIP == "None";

    private List<PodPlan> Chosen(V1Service service) => [.. pods.Where(p => p.IsChosenBy(service.Spec.Selector))];

    private static int? Target(PodPlan pod, V1ServicePort port) => pod.Port(port.TargetPort?.Value ?? port.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
