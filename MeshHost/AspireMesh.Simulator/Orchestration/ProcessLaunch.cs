using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Containers;
using AspireMesh.Simulator.Processes;
using AspireMesh.Simulator.ProjectFiles;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>Turns a resource and its evaluated arguments and environment into a process.</summary>
internal sealed class ProcessLaunch(ContainerEngine engine, ProjectOutput projectOutput, DevelopmentCertificate certificate)
{
    /// <summary>What an AppHost is given for itself and its children must not take for theirs.</summary>
    private static readonly string[] NotInherited = ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"];

    /// <exception cref="ProcessStartException">There is nothing to start.</exception>
    public async Task<ProcessSpec> CreateAsync(IResource resource, ReplicaInstance instance, IExecutionConfigurationResult configuration, Action<string> warn, CancellationToken cancellationToken)
    {
        string Own(string text) => ReplicaText.Substitute(text, resource, instance, placeholder =>
            warn($"{placeholder} names a port or value of another resource, which only that resource's own processes know. Use the endpoint's Url or Port."));

        var arguments = configuration.Arguments.Select(a => Own(a.Value)).ToList();
        var variables = configuration.EnvironmentVariables.ToDictionary(v => v.Key, v => Own(v.Value));
        if (resource.IsContainer())
        {
            return await engine.RunAsync(resource, instance, arguments, variables, cancellationToken).ConfigureAwait(false);
        }

        var environment = ProcessSpec.InheritedEnvironment();
        Array.ForEach(NotInherited, name => environment.Remove(name));
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        if (resource is ProjectResource project)
        {
            if (arguments.Count == 0 && resource.TryGetLastAnnotation<LaunchProfileArguments>(out var fromProfile))
            {
                arguments.AddRange(fromProfile.Arguments);
            }

            certificate.AddTo(project, environment);
            var metadata = project.GetProjectMetadata();
            var output = await projectOutput.FindAsync(metadata, cancellationToken).ConfigureAwait(false);
            return new ProcessSpec(ProjectOutput.DotnetPath, [output, .. arguments], Path.GetDirectoryName(metadata.ProjectPath)!, environment);
        }

        var executable = (ExecutableResource)resource;
        return new ProcessSpec(executable.Command, arguments, executable.WorkingDirectory, environment);
    }
}
