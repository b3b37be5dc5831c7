using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// Tells an app of its sidecar's forward proxy, in the variables that curl, .NET, Go, Python and most others read. Both cases of each are set: programs differ in which
/// they read, and on Linux they are two variables.
/// </summary>
internal static class EgressVariables
{
    /// <summary>What is reached without the proxy: this machine, where the mesh's own listeners, telemetry and the other apps are.</summary>
    public const string Direct = "localhost,127.0.0.1,::1,[::1]";

    /// <summary>Likewise for a container, to which this machine and its neighbours have the names that engines and Aspire give them.</summary>
    public const string DirectFromContainers = "host.docker.internal,host.containers.internal,.dev.internal";

    private static readonly string[] s_proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

    /// <summary>Adds the variables to a workload's environment, unless somebody set a proxy there already: then nothing is touched.</summary>
    public static void Add(IResource workload, MeshListener egress)
    {
        HostDifferences.SetReplicaPorts(workload, egress);
        workload.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
        {
            var variables = context.EnvironmentVariables;
            if (variables.Keys.Any(k => s_proxies.Contains(k, StringComparer.OrdinalIgnoreCase))) return;
            var address = egress.Text(EndpointProperty.Url);
            foreach (var name in new[] { "HTTP_PROXY", "HTTPS_PROXY" }) Set(variables, name, address);
            if (!variables.Keys.Any(k => string.Equals(k, "NO_PROXY", StringComparison.OrdinalIgnoreCase))) Set(variables, "NO_PROXY", egress.Host == MeshListener.Loopback ? Direct : $"{Direct},{egress.Host},{DirectFromContainers}");
            // Node reads the variables only where it is told to (22.21, 24.5 and later).
            variables.TryAdd("NODE_USE_ENV_PROXY", "1");
        }));
    }

    /// <summary>The variable of a process that names a proxy; null for none.</summary>
    public static string? Inherited(Func<string, string?> variable) =>
        s_proxies.Concat(s_proxies.Select(p => p.ToLowerInvariant())).FirstOrDefault(name => !string.IsNullOrEmpty(variable(name)));

    private static void Set(Dictionary<string, object> variables, string name, string value) => variables[name] = variables[name.ToLowerInvariant()] = value;
}
