using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.Containers;

/// <summary>The arguments of the engine's run command.</summary>
internal static class ContainerArguments
{
    /// <summary>Values of variables are not on the command line, where every user of the machine could read them: the engine takes them from its own environment.</summary>
    public static IReadOnlyList<string> Build(IResource resource, ReplicaInstance instance, string name, IEnumerable<string> variables, IEnumerable<string> runtimeArguments, IEnumerable<string> arguments)
    {
        var result = new List<string> { "run", "--rm", "--name", name, "--label", "aspiremesh.resource=" + resource.Name, "--add-host", "host.docker.internal:host-gateway" };
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            result.Add("--publish");
            result.Add(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{instance.TargetPorts[endpoint.Name]}:{endpoint.TargetPort}"));
        }

        foreach (var variable in variables)
        {
            result.Add("--env");
            result.Add(variable);
        }

        foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>())
        {
            var kind = mount.Type == ContainerMountType.BindMount ? "bind" : "volume";
            var source = mount.Source is null ? "" : $",source={mount.Source}";
            result.Add("--mount");
            result.Add($"type={kind}{source},target={mount.Target}{(mount.IsReadOnly ? ",readonly" : "")}");
        }

        var pull = resource.TryGetLastAnnotation<ContainerImagePullPolicyAnnotation>(out var policy) ? policy.ImagePullPolicy : ImagePullPolicy.Default;
        if (pull != ImagePullPolicy.Default)
        {
            result.Add("--pull");
            result.Add(pull.ToString().ToLowerInvariant());
        }

        if (resource is ContainerResource { Entrypoint: { } entrypoint })
        {
            result.Add("--entrypoint");
            result.Add(entrypoint);
        }

        result.AddRange(runtimeArguments);
        _ = resource.TryGetContainerImageName(out var image);
        result.Add(image!);
        result.AddRange(arguments);
        return result;
    }
}
