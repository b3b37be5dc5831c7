namespace AspireMesh.Manifests.Injecting;

/// <summary>What a sidecar in a pod is told. Every text may be a template expression.</summary>
public sealed record SidecarSpec
{
    /// <summary>The workload: the name of its ServiceAccount too.</summary>
    public required string Workload { get; init; }

    /// <summary>The proxy's image.</summary>
    public required string Image { get; init; }

    /// <summary>When the image is pulled. Default <c>IfNotPresent</c>.</summary>
    public string ImagePullPolicy { get; init; } = "IfNotPresent";

    /// <summary>Where telemetry goes (OTLP); empty for nowhere.</summary>
    public string OtlpEndpoint { get; init; } = "";

    /// <summary>CPU that is kept for it. Default <c>50m</c>.</summary>
    public string CpuRequest { get; init; } = "50m";

    /// <summary>Memory that is kept for it. Default <c>48Mi</c>.</summary>
    public string MemoryRequest { get; init; } = "48Mi";

    /// <summary>The most memory it may use. Default <c>256Mi</c>.</summary>
    public string MemoryLimit { get; init; } = "256Mi";

    /// <summary>Whether its metrics are announced to Prometheus by annotations. Default true.</summary>
    public bool Scrape { get; init; } = true;

    /// <summary>Whether its identity comes from SPIRE: the agent's socket is mounted instead of token and trust bundle. Default false.</summary>
    public bool Spire { get; init; }

    /// <summary>The image with <c>iptables</c> and the proxy that redirects the app's connections to the sidecar; null where the app calls its sidecar by itself.</summary>
    public string? InterceptImage { get; init; }

    /// <summary>Seconds it lets running requests finish. Default 30.</summary>
    public int DrainSeconds { get; init; } = 30;
}

/// <summary>Names, ports and paths of a sidecar in a pod: what the chart, the control plane and <c>inject</c> agree on (docs/kubernetes.md).</summary>
public static class SidecarPlaces
{
    /// <summary>The sidecar's container.</summary>
    public const string Container = "aspiremesh-proxy";

    /// <summary>The init container that installs the redirect rules of transparent interception.</summary>
    public const string InterceptContainer = "aspiremesh-intercept";

    /// <summary>The inbound port, mTLS only.</summary>
    public const int InboundPort = 15006;

    /// <summary>The admin port: probes and metrics.</summary>
    public const int AdminPort = 15021;

    /// <summary>The first outbound listener's port; the others follow.</summary>
    public const int FirstOutboundPort = 18080;

    /// <summary>The first gateway's port; the others follow.</summary>
    public const int FirstGatewayPort = 15080;

    /// <summary>Where intercepted connections are redirected to, on loopback.</summary>
    public const int InterceptPort = 15001;

    /// <summary>The user that a sidecar of an intercepted pod runs as: its own connections are not redirected.</summary>
    public const int SidecarUser = 15002;

    /// <summary>The control plane's port.</summary>
    public const int ControlPort = 15010;

    /// <summary>The control plane's Service, Deployment and ServiceAccount.</summary>
    public const string ControlPlane = "aspiremesh-control-plane";

    /// <summary>The ConfigMap with the trusted roots, key <c>bundle.pem</c>.</summary>
    public const string TrustBundle = "aspiremesh-trust-bundle";

    /// <summary>The ConfigMap with the mesh model, key <c>mesh.json</c>.</summary>
    public const string Mesh = "aspiremesh-mesh";

    /// <summary>The audience of tokens for joining.</summary>
    public const string Audience = "aspiremesh";

    /// <summary>The label of a workload's Service; the value is the workload's name.</summary>
    public const string WorkloadLabel = "aspiremesh.dev/workload";

    /// <summary>The label of a gateway's Service; the value is the gateway's name.</summary>
    public const string GatewayLabel = "aspiremesh.dev/gateway";

    /// <summary>The name of the Service port that leads to <see cref="InboundPort"/>.</summary>
    public const string InboundPortName = "aspiremesh";

    /// <summary>Where pods find the SPIRE agent's socket.</summary>
    public const string WorkloadApi = "unix:///spiffe-workload-api/spire-agent.sock";

    /// <summary>Before every annotation and label of ours.</summary>
    public const string Prefix = "aspiremesh.dev/";

    /// <summary>The sidecar's ConfigMap, key <c>bootstrap.json</c>.</summary>
    public static string BootstrapConfigMap(string workload) => $"{workload}-sidecar";
}
