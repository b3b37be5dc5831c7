using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Processes;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.Containers;

/// <summary>Runs containers through the engine's command line; the container is a child process like any other.</summary>
internal sealed class ContainerEngine(ProcessSupervisor supervisor, IConfiguration configuration, TimeProvider timeProvider)
{
    private readonly Lock _gate = new();
    private Task<string?>? _problem;

    private string Program => configuration["CONTAINER_RUNTIME"] ?? configuration["DcpPublisher:ContainerRuntime"] ?? "docker";

    /// <summary>Null where an engine answers; otherwise what is wrong and what to do.</summary>
    public Task<string?> FindProblemAsync()
    {
        lock (_gate)
        {
            return _problem ??= AskAsync();
        }
    }

    /// <summary>The engine's run command.</summary>
    /// <exception cref="ProcessStartException">No engine answers.</exception>
    public async Task<ProcessSpec> RunAsync(IResource resource, ReplicaInstance instance, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> variables, CancellationToken cancellationToken)
    {
        if (await FindProblemAsync().WaitAsync(cancellationToken).ConfigureAwait(false) is { } problem)
        {
            throw new ProcessStartException($"'{resource.Name}' is a container. {problem}");
        }

        var name = NameOf(resource, instance);
        supervisor.WatchContainer(name);
        var extra = new List<object>();
        foreach (var callback in resource.Annotations.OfType<ContainerRuntimeArgsCallbackAnnotation>())
        {
            await callback.Callback(new ContainerRuntimeArgsCallbackContext(extra, cancellationToken)).ConfigureAwait(false);
        }

        var runtimeArguments = new List<string>();
        foreach (var argument in extra)
        {
            var value = argument is IValueProvider provider ? await provider.GetValueAsync(cancellationToken).ConfigureAwait(false) : Convert.ToString(argument, CultureInfo.InvariantCulture);
            runtimeArguments.Add(value ?? "");
        }

        var environment = ProcessSpec.InheritedEnvironment();
        foreach (var (variable, value) in variables)
        {
            environment[variable] = value;
        }

        return new ProcessSpec(Program, ContainerArguments.Build(resource, instance, name, variables.Keys, runtimeArguments, arguments), Environment.CurrentDirectory, environment);
    }

    /// <summary>Removes a container that outlived its command line, for example because it did not listen to the request to end.</summary>
    public async Task RemoveAsync(IResource resource, ReplicaInstance instance)
    {
        var name = NameOf(resource, instance);
        try
        {
            var process = supervisor.Start(new ProcessSpec(Program, ["rm", "--force", name], Environment.CurrentDirectory, ProcessSpec.InheritedEnvironment()), (_, _) => { });
            await process.Exited.WaitAsync(TimeSpan.FromSeconds(10), timeProvider).ConfigureAwait(false);
            supervisor.ForgetContainer(name);
        }
        catch (Exception exception) when (exception is ProcessStartException or TimeoutException)
        {
            // The engine is gone; the watchdog still knows the container and tries at the AppHost's end.
        }
    }

    /// <summary>Runs a program in a running container.</summary>
    public async Task<(int ExitCode, string Output)> ExecuteAsync(IResource resource, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var name = NameOf(resource, resource.Annotations.OfType<ReplicaInstancesAnnotation>().Last().Instances[0]);
        var output = new System.Text.StringBuilder();
        var process = supervisor.Start(new ProcessSpec(Program, ["exec", name, .. command], Environment.CurrentDirectory, ProcessSpec.InheritedEnvironment()), (line, _) =>
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        });
        var exitCode = await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (output)
        {
            return (exitCode, output.ToString().Trim());
        }
    }

    private static string NameOf(IResource resource, ReplicaInstance instance) =>
        resource.TryGetLastAnnotation<ContainerNameAnnotation>(out var given) ? given.Name : instance.InstanceId;

    private async Task<string?> AskAsync()
    {
        var lines = new List<string>();
        try
        {
            var process = supervisor.Start(new ProcessSpec(Program, ["version", "--format", "{{.Server.Version}}"], Environment.CurrentDirectory, ProcessSpec.InheritedEnvironment()), (line, _) =>
            {
                lock (lines)
                {
                    lines.Add(line);
                }
            });
            var exitCode = await process.Exited.WaitAsync(TimeSpan.FromSeconds(10), timeProvider).ConfigureAwait(false);
            return exitCode == 0 ? null : $"The container engine '{Program}' does not answer: {Said()} Start it (for example: sudo systemctl start docker, or Docker Desktop).";
        }
        catch (ProcessStartException)
        {
            return $"No container engine was found: '{Program}' is not on PATH. Install Docker (https://docs.docker.com/get-docker/), or set ASPIRE_CONTAINER_RUNTIME=podman.";
        }
        catch (TimeoutException)
        {
            return $"The container engine '{Program}' did not answer within 10 seconds. Restart it.";
        }

        string Said()
        {
            lock (lines)
            {
                return lines.LastOrDefault(l => l.Length > 0)?.TrimEnd('.') + ".";
            }
        }
    }
}
