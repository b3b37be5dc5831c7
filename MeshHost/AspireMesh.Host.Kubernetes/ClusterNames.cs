namespace AspireMesh.Host.Kubernetes;

/// <summary>The names that the control plane, the chart and the operator's tool agree on (docs/kubernetes.md).</summary>
public static class ClusterNames
{
    /// <summary>The Lease of the leader, and the control plane's Deployment, Service and ServiceAccount.</summary>
    public const string ControlPlane = "aspiremesh-control-plane";

    /// <summary>The Secret with the CA's roots.</summary>
    public const string AuthoritySecret = "aspiremesh-ca";

    /// <summary>Its key.</summary>
    public const string AuthorityKey = "authority.json";

    /// <summary>The Secret with the admin API's token.</summary>
    public const string AdminSecret = "aspiremesh-admin";

    /// <summary>Its key.</summary>
    public const string AdminKey = "token";

    /// <summary>The ConfigMap with the trusted roots.</summary>
    public const string TrustBundle = "aspiremesh-trust-bundle";

    /// <summary>Its key.</summary>
    public const string TrustBundleKey = "bundle.pem";

    /// <summary>The ConfigMap with the mesh model.</summary>
    public const string Mesh = "aspiremesh-mesh";

    /// <summary>Its key.</summary>
    public const string MeshKey = "mesh.json";

    /// <summary>How the names of the control plane's CertificateRequests begin; what follows is random.</summary>
    public const string IntermediateRequest = "aspiremesh-intermediate";

    /// <summary>The label of a workload's Service, which the cluster copies to its EndpointSlices.</summary>
    public const string WorkloadLabel = "aspiremesh.dev/workload";

    /// <summary>The name of the Service port that leads to the inbound listener.</summary>
    public const string InboundPort = "aspiremesh";

    /// <summary>The audience of tokens for joining.</summary>
    public const string Audience = "aspiremesh";

    /// <summary>The port that sidecars connect to.</summary>
    public const int ControlPort = 15010;

    /// <summary>The port of the admin API on the loopback address of a control plane's pod.</summary>
    public const int AdminPort = 15011;
}
