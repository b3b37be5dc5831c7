using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using Aspire.Hosting.Pipelines;

namespace AspireMesh.Simulator.Kubernetes;

/// <summary>Works out, for every resource that is deployed, the objects that stand for it.</summary>
internal sealed class DeploymentTargets(KubernetesEnvironmentResource environment)
{
    private const int DefaultProjectPort = 8080;
    private const int FirstFreePort = 8000;

    public async Task PrepareAsync(PipelineStepContext context)
    {
        if (context.ExecutionContext.IsRunMode) return;
        var deployed = context.Model.GetComputeResources().ToDictionary(r => r, r => new KubernetesResource(r.Name, r, environment));
        foreach (var target in deployed.Values) MapEndpoints(target);
        foreach (var (resource, target) in deployed)
        {
            await AddVariablesAsync(context, target, r => Find(deployed, r)).ConfigureAwait(false);
            target.Labels = new() { ["app.kubernetes.io/name"] = "{{ .Chart.Name }}", ["app.kubernetes.io/component"] = resource.Name, ["app.kubernetes.io/instance"] = "{{ .Release.Name }}" };
            await AddWorkloadAsync(context, target, r => Find(deployed, r)).ConfigureAwait(false);
            AddSettings(target);
            AddService(target);
            resource.Annotations.Add(new DeploymentTargetAnnotation(target) { ComputeEnvironment = environment });
        }
    }

    // A container that took a program's place goes by its name.
    private static KubernetesResource? Find(Dictionary<IResource, KubernetesResource> deployed, IResource resource) =>
        deployed.GetValueOrDefault(resource) ?? deployed.Values.FirstOrDefault(d => d.Target.Name == resource.Name);

    // A project's https endpoint has no certificate in the cluster: it shares the port of its http twin, as with Aspire.
    private static void MapEndpoints(KubernetesResource target)
    {
        var next = FirstFreePort;
        var endpoints = target.Target.Annotations.OfType<EndpointAnnotation>().OrderBy(e => e.UriScheme == "https").ToArray();
        foreach (var endpoint in endpoints)
        {
            var port = endpoint.TargetPort?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? (target.Target, endpoint) switch
            {
                (ProjectResource, { UriScheme: "https" }) when target.Endpoints.Values.FirstOrDefault(m => m.Scheme == "http") is { } twin => twin.Port,
                (ProjectResource, { UriScheme: "http" or "https" }) when target.Endpoints.Values.All(m => m.Scheme != "http") => target.Values.Parameter($"port_{HelmValues.Section(endpoint.Name)}", DefaultProjectPort),
                _ => (next++).ToString(System.Globalization.CultureInfo.InvariantCulture),
            };
            target.Endpoints[endpoint.Name] = new EndpointMapping(endpoint.UriScheme, $"{target.Target.Name.ToLowerInvariant()}-service", port, endpoint.Name, endpoint.Protocol.ToString().ToUpperInvariant());
        }
    }

    private static async Task AddVariablesAsync(PipelineStepContext context, KubernetesResource target, Func<IResource, KubernetesResource?> find)
    {
        var variables = new Dictionary<string, object>();
        foreach (var callback in target.Target.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
        {
            await callback.Callback(new EnvironmentCallbackContext(context.ExecutionContext, target.Target, variables, context.CancellationToken)).ConfigureAwait(false);
        }

        foreach (var (name, value) in variables)
        {
            if (value is EndpointReference { Scheme: "https" } && name.StartsWith("services__", StringComparison.Ordinal)) continue;
            target.Values.Add(name, await target.Values.TextAsync(value, find, context.CancellationToken).ConfigureAwait(false));
        }
    }

    private async Task AddWorkloadAsync(PipelineStepContext context, KubernetesResource target, Func<IResource, KubernetesResource?> find)
    {
        var resource = target.Target;
        var container = new ContainerV1 { Name = resource.Name, Image = Image(target), ImagePullPolicy = environment.DefaultImagePullPolicy };
        if (resource is ContainerResource { Entrypoint: { } entrypoint }) container.Command.Add(entrypoint);
        var arguments = new List<object>();
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
        {
            await callback.Callback(new CommandLineArgsCallbackContext(arguments, resource, context.CancellationToken) { ExecutionContext = context.ExecutionContext }).ConfigureAwait(false);
        }

        foreach (var argument in arguments) container.Args.Add(await target.Values.TextAsync(argument, find, context.CancellationToken).ConfigureAwait(false));
        if (target.Values.Config.Count > 0) container.EnvFrom.Add(new() { ConfigMapRef = new() { Name = $"{resource.Name}-config" } });
        if (target.Values.Secrets.Count > 0) container.EnvFrom.Add(new() { SecretRef = new() { Name = $"{resource.Name}-secrets" } });
        foreach (var mapping in target.Endpoints.Values.DistinctBy(m => (m.Port, m.Protocol))) container.Ports.Add(new() { Name = mapping.Name, ContainerPort = mapping.Port, Protocol = mapping.Protocol });
        var workload = new Deployment { Metadata = { Name = $"{resource.Name}-deployment", Labels = new(target.Labels) } };
        AddMounts(resource, container, workload.PodTemplate.Spec);
        workload.Spec.Replicas = resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;
        workload.Spec.RevisionHistoryLimit = 3;
        workload.Spec.Selector = new(new Dictionary<string, string>(target.Labels));
        workload.Spec.Strategy = new() { Type = "RollingUpdate", RollingUpdate = new() { MaxSurge = 1, MaxUnavailable = 1 } };
        workload.PodTemplate.Metadata.Labels = new(target.Labels);
        workload.PodTemplate.Spec.Containers.Add(container);
        target.Workload = workload;
    }

    private static string Image(KubernetesResource target) =>
        target.Target is not ProjectResource && !target.Target.Annotations.OfType<DockerfileBuildAnnotation>().Any() && target.Target.TryGetContainerImageName(out var image)
            ? image!
            : target.Values.Parameter($"{HelmValues.Section(target.Target.Name)}_image", $"{target.Target.Name}:latest");

    private static void AddMounts(IResource resource, ContainerV1 container, PodSpecV1 pod)
    {
        foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>())
        {
            if (mount.Type == ContainerMountType.BindMount || mount.Source is null) throw new DistributedApplicationException($"'{resource.Name}' mounts '{mount.Target}' from this machine: a cluster has no such folder. Use .WithVolume(name, target).");
            container.VolumeMounts.Add(new() { Name = mount.Source, MountPath = mount.Target, ReadOnly = mount.IsReadOnly ? true : null });
            pod.Volumes.Add(new() { Name = mount.Source, EmptyDir = new() });
        }
    }

    private static void AddSettings(KubernetesResource target)
    {
        var name = target.Target.Name;
        if (target.Values.Config.Count > 0)
        {
            target.ConfigMap = new() { Metadata = { Name = $"{name}-config", Labels = new(target.Labels) } };
            foreach (var (key, value) in target.Values.Config) target.ConfigMap.Data[key] = value;
        }

        if (target.Values.Secrets.Count > 0)
        {
            target.Secret = new() { Metadata = { Name = $"{name}-secrets", Labels = new(target.Labels) } };
            foreach (var (key, value) in target.Values.Secrets) target.Secret.StringData[key] = value;
        }
    }

    private void AddService(KubernetesResource target)
    {
        if (target.Endpoints.Count == 0) return;
        target.Service = new() { Metadata = { Name = $"{target.Target.Name}-service", Labels = new(target.Labels) }, Spec = { Selector = new(target.Labels), Type = environment.DefaultServiceType } };
        foreach (var mapping in target.Endpoints.Values.DistinctBy(m => (m.Port, m.Protocol)))
        {
            target.Service.Spec.Ports.Add(new() { Name = mapping.Name, Port = mapping.Port, TargetPort = mapping.Port, Protocol = mapping.Protocol });
        }
    }
}
