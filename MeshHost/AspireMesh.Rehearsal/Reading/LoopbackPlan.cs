using System.Globalization;
using System.Text.Json;
using AspireMesh.Host.Kubernetes;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Model;
using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>Which port of this machine stands for which port of a workload's pod.</summary>
/// <param name="Ports">By the Deployment's or StatefulSet's name, then by the pod's own port.</param>
/// <param name="Model">The mesh model of the manifests; null where they have none.</param>
internal sealed record LoopbackPlan(IReadOnlyDictionary<string, IReadOnlyDictionary<int, int>> Ports, MeshModel? Model)
{
    /// <summary>Plans all of them.</summary>
    /// <param name="manifests">As they were published.</param>
    /// <param name="free">Gives so many ports that nobody has.</param>
    public static LoopbackPlan Of(ManifestSet manifests, Func<int, int[]> free)
    {
        var text = manifests.Of<V1ConfigMap>("ConfigMap").FirstOrDefault(m => m.Metadata.Name == ClusterNames.Mesh)?.Data?[ClusterNames.MeshKey];
        var model = text is null ? null : JsonSerializer.Deserialize(text, MeshJson.Default.MeshModel);
        var wanted = manifests.Workloads().ToDictionary(w => w.Name, w => new SortedSet<int>(PortsOf(w.Template, model)));
        foreach (var service in manifests.Of<V1Service>("Service").Where(s => s.Spec.Selector is { Count: > 0 }))
        {
            foreach (var workload in manifests.Workloads().Where(w => PodPlan.IsChosenBy(w.Template.Metadata?.Labels, service.Spec.Selector)))
            {
                wanted[workload.Name].UnionWith((service.Spec.Ports ?? []).Select(p => Number(p.TargetPort?.Value ?? $"{p.Port}")).OfType<int>());
            }
        }
        var found = new Queue<int>(free(wanted.Sum(w => w.Value.Count)));
        return new LoopbackPlan(wanted.ToDictionary(w => w.Key, w => (IReadOnlyDictionary<int, int>)w.Value.ToDictionary(p => p, _ => found.Dequeue())), model);
    }

    private static IEnumerable<int> PortsOf(V1PodTemplateSpec template, MeshModel? model)
    {
        var containers = template.Spec.Containers.Concat(template.Spec.InitContainers ?? []).ToArray();
        foreach (var port in containers.SelectMany(c => c.Ports ?? [])) yield return port.ContainerPort;
        foreach (var probe in containers.SelectMany(c => new[] { c.StartupProbe, c.ReadinessProbe }).OfType<V1Probe>())
        {
            if (Number(probe.HttpGet?.Port?.Value ?? probe.TcpSocket?.Port?.Value ?? $"{probe.Grpc?.Port}") is { } number) yield return number;
        }
        if (containers.Any(c => c.Name == ClusterNames.ControlPlane))
        {
            yield return ClusterNames.ControlPort;
            yield return ClusterNames.AdminPort;
        }
        foreach (var address in Addresses(model, template.Spec.ServiceAccountName)) yield return Number(address[(address.LastIndexOf(':') + 1)..]) ?? 0;
    }

    /// <summary>Where a workload and its sidecar listen: the pod's ServiceAccount is its name in the model.</summary>
    private static IEnumerable<string> Addresses(MeshModel? model, string? workload)
    {
        if (model?.Workloads.FirstOrDefault(w => w.Name == workload) is not { } found) return [];
        return found.Sidecars.SelectMany(s => new[] { s.Inbound, s.Admin })
            .Concat(found.Endpoints.Select(e => e.App).OfType<string>())
            .Concat(model.Edges.Where(e => e.From == workload).SelectMany(e => e.Listen.Values))
            .Concat(model.Gateways.Where(g => g.Workload == workload).Select(g => g.Listen));
    }

    private static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
