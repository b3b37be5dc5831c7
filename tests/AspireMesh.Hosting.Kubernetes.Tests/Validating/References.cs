using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using static AspireMesh.Hosting.Kubernetes.Tests.Validating.Landscape;

namespace AspireMesh.Hosting.Kubernetes.Tests.Validating;

/// <summary>Everything in an object that points at something else, and whether that is there.</summary>
internal sealed partial class References(Landscape land, IReadOnlySet<string> outside)
{
    private readonly List<string> _dangling = [];
    private int _seen;

    /// <summary>How many were looked at: a walk that finds none proves nothing.</summary>
    public int Seen => _seen;

    public IReadOnlyList<string> Dangling => _dangling;

    public void Walk()
    {
        foreach (var body in land.Objects)
        {
            Must(ObjectName().IsMatch(Text(body["metadata"]!["name"])!), $"{Name(body)}: Kubernetes takes no such name");
            Walk(body, body, "");
        }
        foreach (var service in land.Services.Values) WalkService(service);
        foreach (var pod in land.Pods.Where(p => p.Account is not null)) Must(land.Accounts.Contains(pod.Account!), $"{pod.Owner}: no ServiceAccount {pod.Account}");
    }

    /// <summary>The networks that pods ask for by annotation, and somebody who serves each.</summary>
    public void WalkNetworks(IEnumerable<string> asked)
    {
        foreach (var name in asked.Select(a => new Uri(a).Host))
        {
            Must(land.Has("NetworkService", name), $"no NetworkService {name}");
            var serving = land.Objects.Where(o => Text(o["kind"]) == "Deployment").SelectMany(o => (o["spec"]!["template"]!["spec"]!["containers"] as JsonArray)!).SelectMany(c => c!["env"] as JsonArray ?? []);
            Must(serving.Any(e => Text(e!["name"]) == "NSM_SERVICE_NAMES" && Text(e["value"]) == name), $"nobody serves the network {name}");
        }
    }

    private void WalkService(Service service)
    {
        foreach (var (name, target) in service.Targets)
        {
            var pods = land.Pods.Where(p => service.Selector.All(l => p.Labels.GetValueOrDefault(l.Key) == l.Value)).ToArray();
            Must(pods.Length > 0, $"Service {service.Name} selects no pod");
            // A gateway's listener is the sidecar's by configuration, not by the container's list of ports.
            if (service.Name.EndsWith("-gateway", StringComparison.Ordinal)) continue;
            Must(pods.All(p => int.TryParse(Text(target), out var number) ? p.Ports.ContainsValue(number) : p.Ports.ContainsKey(Text(target)!)), $"Service {service.Name}: no pod has the port {target} of {name}");
        }
    }

    private void Walk(JsonObject body, JsonNode? node, string path)
    {
        switch (node)
        {
            case JsonArray list:
                foreach (var item in list) Walk(body, item, path);
                break;
            case JsonObject map:
                Look(body, map, path);
                foreach (var (key, value) in map) Walk(body, value, $"{path}.{key}");
                break;
            case JsonValue value when Identity().Match(value.ToString()) is { Success: true } id && !path.StartsWith(".data", StringComparison.Ordinal):
                Must(id.Groups["ns"].Value == land.Namespace && (land.Accounts.Contains(id.Groups["sa"].Value) || IsOfGateway(id.Groups["sa"].Value)) || outside.Contains(value.ToString()), $"{Name(body)}{path}: nobody has the identity {value}");
                break;
        }
    }

    /// <summary>The references of one mapping, by where it stands.</summary>
    private void Look(JsonObject body, JsonObject map, string path)
    {
        var kind = Text(body["kind"])!;
        var api = Text(body["apiVersion"])!;
        var end = path[(path.LastIndexOf('.') + 1)..];
        switch (end)
        {
            case "matchLabels" when !IsOutside(map): Must(land.Selects(map), $"{Name(body)}{path}: selects no pod: {map.ToJsonString()}"); break;
            case "sourceLabels": Must(land.Selects(map), $"{Name(body)}{path}: selects no pod: {map.ToJsonString()}"); break;
            case "labels" when path is ".spec.workloadSelector.labels": Must(land.Selects(map), $"{Name(body)}{path}: selects no pod"); break;
            case "destination" when map["host"] is not null: Target(body, path, Text(map["host"]), map["port"]?["number"]); break;
            case "spec" when kind == "DestinationRule": Target(body, path, Text(map["host"]), null); break;
            case "spec" when kind == "VirtualService" && api.StartsWith("networking", StringComparison.Ordinal): Hosts(body, map); break;
            case "spec" when kind == "UpstreamTrafficSetting": Target(body, path, Text(map["host"]), null); break;
            case "egress" when kind == "Sidecar": Egress(body, map); break;
            case "parentRefs": Parent(body, map); break;
            case "backendRefs" or "backendRef" when map["name"] is not null: Target(body, path, Text(map["name"]), map["port"]); break;
            case "targetRef" or "targetRefs" or "backendRefs" or "backendRef": Ref(body, path, map); break;
            case "requiredAuthenticationRefs": Must(land.Has(Text(map["kind"])!, Text(map["name"])), $"{Name(body)}{path}: no {map["kind"]} {map["name"]}"); break;
            case "identityRefs" or "subjects": Must(land.Accounts.Contains(Text(map["name"])!), $"{Name(body)}{path}: no ServiceAccount {map["name"]}"); break;
            case "roleRef" or "rules" when map["kind"] is not null: Must(land.Has(Text(map["kind"])!, Text(map["name"])), $"{Name(body)}{path}: no {map["kind"]} {map["name"]}"); break;
            case "source" or "sources" or "destination" when Text(map["kind"]) == "ServiceAccount": Must(land.Accounts.Contains(Text(map["name"])!), $"{Name(body)}{path}: no ServiceAccount {map["name"]}"); break;
            case "destinations" when Text(map["kind"]) == "Service": Target(body, path, Text(map["name"]), null); break;
            case "backends" when map["service"] is not null: Target(body, path, Text(map["service"]), null); break;
            case "virtualServiceRef" or "virtualNodeRef" or "virtualRouterRef": Must(land.Has(char.ToUpperInvariant(end[0]) + end[1..^3], Text(map["name"])), $"{Name(body)}{path}: no {end[..^3]} {map["name"]}"); break;
            case "dns" when kind == "VirtualNode": Target(body, path, Text(map["hostname"]), null); break;
            case "configMapRef" or "configMap" when map["optional"] is null: Must(land.Has("ConfigMap", Text(map["name"])), $"{Name(body)}{path}: no ConfigMap {map["name"]}"); break;
            case "secretRef": Must(land.Has("Secret", Text(map["name"])), $"{Name(body)}{path}: no Secret {map["name"]}"); break;
            default: Consul(body, map, path, api, end); break;
        }
        if (map["weightedTargets"] is JsonArray legs) Must(legs.Sum(l => Number(l!["weight"])) > 0, $"{Name(body)}{path}: no weight");
        if (map["splits"] is JsonArray splits) Must(Math.Abs(splits.Sum(l => double.Parse(l!["weight"]!.ToString(), CultureInfo.InvariantCulture)) - 100) < 0.01, $"{Name(body)}{path}: weights are not 100 together");
        if (map["route"] is JsonArray routes && routes.Any(r => r!["weight"] is not null)) Must(routes.Sum(r => Number(r!["weight"])) > 0, $"{Name(body)}{path}: no weight");
    }

    /// <summary>Consul names its services after the ServiceAccounts (annotation connect-service).</summary>
    private void Consul(JsonObject body, JsonObject map, string path, string api, string end)
    {
        if (!api.StartsWith("consul.", StringComparison.Ordinal)) return;
        var kind = Text(body["kind"]);
        var isName = (kind, end) is ("ServiceIntentions", "destination" or "sources") or ("ServiceDefaults", "overrides") or ("TerminatingGateway", "services");
        if (isName) Must(Text(map["name"]) == "*" || (land.Accounts.Contains(Text(map["name"])!) || land.Find("ServiceDefaults", Text(map["name"]))?["spec"]?["destination"] is not null), $"{Name(body)}{path}: no service {map["name"]}");
        if (end is "destination" or "splits" && map["service"] is not null) Must(land.Accounts.Contains(Text(map["service"])!), $"{Name(body)}{path}: no service {map["service"]}");
        if (end == "providers") Must(land.Has("JWTProvider", Text(map["name"])), $"{Name(body)}{path}: no JWTProvider {map["name"]}");
        if (end == "metadata" && kind is "ServiceRouter" or "ServiceSplitter" or "ServiceResolver") Must(land.Accounts.Contains(Text(body["metadata"]!["name"])!), $"{Name(body)}: no service of this name");
    }

    private void Hosts(JsonObject body, JsonObject spec)
    {
        // Beside Services a VirtualService has the names that TLS hellos ask for, and Istio takes no route by a name that is none of its hosts.
        var hosts = spec["hosts"]!.AsArray().Select(Text).ToArray();
        var asked = (spec["tls"] as JsonArray ?? []).SelectMany(t => t!["match"]!.AsArray()).SelectMany(m => m!["sniHosts"]!.AsArray()).Select(Text).ToArray();
        foreach (var host in hosts.Except(asked).Where(h => h != "*")) Target(body, ".spec.hosts", host, null);
        foreach (var name in asked) Must(hosts.Contains(name), $"{Name(body)}: {name} is asked for and no host");
        foreach (var gateway in (spec["gateways"] as JsonArray ?? []).Select(Text)) Must(land.Has("Gateway", gateway), $"{Name(body)}: no Gateway {gateway}");
    }

    private void Egress(JsonObject body, JsonObject map)
    {
        foreach (var host in map["hosts"]!.AsArray().Select(h => Text(h)!).Where(h => h.StartsWith("./", StringComparison.Ordinal)).Select(h => h[2..]))
        {
            Must(land.Host(host) is not null || land.Objects.Any(o => Text(o["kind"]) == "ServiceEntry" && o["spec"]!["hosts"]!.AsArray().Any(x => Text(x) == host)), $"{Name(body)}: no host {host}");
        }
    }

    private void Parent(JsonObject body, JsonObject map)
    {
        if (Text(map["kind"]) == "Service") Target(body, ".spec.parentRefs", Text(map["name"]), map["port"]);
        else Must(land.Has("Gateway", Text(map["name"])), $"{Name(body)}: no Gateway {map["name"]}");
    }

    private void Ref(JsonObject body, string path, JsonObject map)
    {
        switch (Text(map["kind"]))
        {
            case "Mesh": break;
            case "Dataplane": Must(land.Selects(map["labels"]), $"{Name(body)}{path}: selects no pod"); break;
            case "MeshService":
                Must(Text(map["labels"]!["k8s.kuma.io/namespace"]) == land.Namespace, $"{Name(body)}{path}: another namespace");
                var service = land.Host(Text(map["labels"]!["kuma.io/display-name"]));
                Must(service is not null && (map["sectionName"] is { } section ? service.Ports.ContainsKey(Text(section)!) : map["port"] is null || service.Ports.ContainsValue(Number(map["port"]))), $"{Name(body)}{path}: no such Service or port: {map.ToJsonString()}");
                break;
            case "Service": Target(body, path, Text(map["name"]), null); break;
            case var other: Must(land.Has(other!, Text(map["name"])), $"{Name(body)}{path}: no {other} {map["name"]}"); break;
        }
    }

    private void Target(JsonObject body, string path, string? host, JsonNode? port)
    {
        var service = land.Host(host);
        Must(service is not null || outside.Contains(host!), $"{Name(body)}{path}: no Service {host}");
        if (service is not null && port is not null) Must(service.Ports.ContainsValue(Number(port)), $"{Name(body)}{path}: {host} has no port {port}");
    }

    /// <summary>Istio makes accounts for gateways of Gateway API: a waypoint's of its name, an ingress gateway's with the class behind it.</summary>
    private bool IsOfGateway(string account) => land.Has("Gateway", account) || (account.EndsWith("-istio", StringComparison.Ordinal) && land.Has("Gateway", account[..^"-istio".Length]));

    private static bool IsOutside(JsonObject labels) => labels.ContainsKey("k8s-app") || Text(labels["app.kubernetes.io/name"]) == "prometheus" || labels.ContainsKey("mesh");

    private static string Name(JsonObject body) => $"{body["kind"]} {body["metadata"]!["name"]} ";

    private void Must(bool holds, string otherwise)
    {
        _seen++;
        if (!holds) _dangling.Add(otherwise);
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", RegexOptions.CultureInvariant)]
    private static partial Regex ObjectName();

    [GeneratedRegex("^(?:spiffe://)?[^/{}]+/ns/(?<ns>[^/]+)/sa/(?<sa>[^/]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Identity();
}
