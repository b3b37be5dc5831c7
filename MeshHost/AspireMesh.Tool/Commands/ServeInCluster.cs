using AspireMesh.Host.Kubernetes;
using AspireMesh.Protocol.Diagnostics;
using k8s;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh serve --kubernetes</c>: one replica of a cluster's control plane. Who it is comes from the pod's own environment.</summary>
internal static class ServeInCluster
{
    private const string PodName = "POD_NAME";
    private const string PodIp = "POD_IP";
    private const string PodNamespace = "POD_NAMESPACE";

    public static async Task RunAsync(string? kubeconfig, Func<ClusterOptions, ClusterOptions> configure, ToolTerminal terminal, CancellationToken cancellationToken)
    {
        var problems = new ProblemList();
        var podName = Needed(PodName, "metadata.name", problems);
        var podIp = Needed(PodIp, "status.podIP", problems);
        problems.ThrowIfAny();
        var access = ClusterAccess.Read(kubeconfig, context: null);
        using var client = new k8s.Kubernetes(access);
        var options = configure(new ClusterOptions
        {
            Namespace = Environment.GetEnvironmentVariable(PodNamespace) ?? access.Namespace ?? "default",
            PodName = podName,
            PodIp = podIp,
            Seed = podName.GetHashCode(StringComparison.Ordinal),
        });
        var replica = new KubernetesControlPlane(client, options);
        replica.LeadingChanged += () =>
        {
            // The line that a supervisor waits for; nothing secret is in it.
            if (replica.Leading is { } mesh) terminal.Out.WriteLine($"AspireMesh control plane ready: {mesh.ControlAddress} admin {mesh.AdminAddress}");
        };
        await replica.RunAsync(cancellationToken);
    }

    private static string Needed(string variable, string field, ProblemList problems)
    {
        var value = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(value)) problems.Add(MeshDiagnostics.BadArgument, $"serve --kubernetes needs {variable} in the environment. Set it from the field {field} in the pod's template, as the chart does.");
        return value ?? "";
    }
}
