using AspireMesh.Hosting.Planning;
using AspireMesh.Protocol.Snapshot;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Carries a plan out on the application's resources: sidecars, values, waits, gateways. Decides nothing.</summary>
internal sealed class PlanApplier(MeshPlan plan, IResourceCollection resources, IConfiguration configuration, IHostEnvironment environment)
{
    /// <summary>Adds the sidecars and leads every value through them.</summary>
    /// <param name="proxy">What sidecar processes run; null for sidecars inside this process.</param>
    /// <param name="writeBootstrap">Writes a fresh bootstrap file for a sidecar and returns its path.</param>
    public void Apply(FoundExecutable? proxy, Func<string, CancellationToken, Task<string>> writeBootstrap)
    {
        Dictionary<IResource, List<IMeshSidecarResource>> beside = [];
        foreach (var sidecar in plan.Workloads.SelectMany(w => w.Sidecars))
        {
            var resource = proxy is null ? new MeshSidecarResource(sidecar.Name, sidecar.Resource, sidecar.Instance) : Process(sidecar, proxy, writeBootstrap);
            Dress(resource, sidecar);
            resources.Add(resource);
            if (!beside.TryGetValue(sidecar.Resource, out var list)) beside[sidecar.Resource] = list = [];
            list.Add(resource);
        }
        foreach (var workload in plan.Workloads) AddWaits(workload.Resource, beside);
        foreach (var edges in plan.Edges.GroupBy(e => e.From)) Rewrite(edges.Key, new ValueRewriter([.. edges]), edges);
        foreach (var workload in plan.Workloads.Where(w => w.Egress is not null)) EgressVariables.Add(workload.Resource, workload.Egress!);
        foreach (var gateway in plan.Gateways) AddGateway(gateway);
    }

    private static IMeshSidecarResource Process(SidecarPlan sidecar, FoundExecutable proxy, Func<string, CancellationToken, Task<string>> writeBootstrap)
    {
        var resource = new MeshSidecarProcessResource(sidecar.Name, proxy.Command, AppContext.BaseDirectory, sidecar.Resource, sidecar.Instance);
        if (proxy.Arguments.Count > 0)
        {
            resource.Annotations.Add(new CommandLineArgsCallbackAnnotation(arguments =>
            {
                foreach (var argument in proxy.Arguments) arguments.Add(argument);
            }));
        }

        // Written at every start: the token inside can be used once.
        resource.Annotations.Add(new EnvironmentCallbackAnnotation(async context => context.EnvironmentVariables[SidecarBootstrap.FileVariable] = await writeBootstrap(sidecar.Instance, context.CancellationToken)));
        return resource;
    }

    private void Dress(IMeshSidecarResource resource, SidecarPlan sidecar)
    {
        resource.Annotations.Add(new ResourceRelationshipAnnotation(sidecar.Resource, "Parent"));
        resource.Annotations.Add(ManifestPublishingCallbackAnnotation.Ignore);
        resource.Annotations.Add(new ResourceIconAnnotation("ArrowSwap"));
        resource.Annotations.Add(new HealthCheckAnnotation(SidecarHealthRegistrations.KeyOf(sidecar)));
        resource.Annotations.Add(SidecarCommands.Renew(sidecar));
        if (resource is MeshSidecarProcessResource process) resource.Annotations.Add(SidecarCommands.Upgrade(process));
        if (TelemetryGoesSomewhere()) OtlpConfigurationExtensions.AddOtlpEnvironment(resource, configuration, environment);
    }

    /// <summary>Without a dashboard the host names a default address where usually nobody listens.</summary>
    private bool TelemetryGoesSomewhere() =>
        resources.Any(r => r.Name == Participants.Dashboard)
        || new[] { "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL", "DOTNET_DASHBOARD_OTLP_ENDPOINT_URL", "DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL" }.Any(k => !string.IsNullOrEmpty(configuration[k]));

    private static void AddWaits(IResource workload, Dictionary<IResource, List<IMeshSidecarResource>> beside)
    {
        // The sidecar never waits for its app; the app waits for its sidecar, and whoever waits for the app waits for both.
        var waits = workload.Annotations.OfType<WaitAnnotation>().Where(w => w.WaitType != WaitType.WaitForCompletion).SelectMany(w => beside.GetValueOrDefault(w.Resource) ?? []);
        foreach (var sidecar in beside[workload].Concat(waits).Distinct().ToArray())
        {
            // A sidecar that stops is started again, so one that is not there is worth waiting for.
            workload.Annotations.Add(new WaitAnnotation(sidecar, WaitType.WaitUntilHealthy) { WaitBehavior = WaitBehavior.WaitOnResourceUnavailable });
        }
    }

    private static void Rewrite(IResource caller, ValueRewriter rewriter, IEnumerable<EdgePlan> edges)
    {
        foreach (var edge in edges) HostDifferences.SetReplicaPorts(caller, edge.Listener);
        caller.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
        {
            foreach (var (name, value) in context.EnvironmentVariables.ToArray())
            {
                var rewritten = rewriter.Rewrite(value);
                if (!ReferenceEquals(rewritten, value)) context.EnvironmentVariables[name] = rewritten;
            }
        }));
        caller.Annotations.Add(new CommandLineArgsCallbackAnnotation(arguments =>
        {
            for (var i = 0; i < arguments.Count; i++) arguments[i] = rewriter.Rewrite(arguments[i]);
        }));
    }

    private static void AddGateway(GatewayPlan gateway)
    {
        if (gateway.TakesPort) gateway.Endpoint.Port = null;
        gateway.Resource.Annotations.Add(new ResourceUrlAnnotation { Url = gateway.Url, DisplayText = "through the mesh" });
    }
}
