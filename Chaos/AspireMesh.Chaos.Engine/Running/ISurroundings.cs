using AspireMesh.Chaos.Documents;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Chaos.Running;

/// <summary>What an experiment needs besides the mesh: where resources answer, and their processes.</summary>
internal interface ISurroundings
{
    /// <summary>Where a resource answers from outside the mesh.</summary>
    /// <exception cref="MeshValidationException">It is not known.</exception>
    Uri Locate(string resource, string? endpoint);

    /// <summary>Does something to a process; the result undoes it.</summary>
    /// <exception cref="MeshValidationException">It cannot be done here.</exception>
    Task<Func<Task>> ActAsync(ProcessDocument step, CancellationToken cancellationToken);
}

/// <summary>Nothing is known.</summary>
internal sealed class NoSurroundings : ISurroundings
{
    public Uri Locate(string resource, string? endpoint) => throw new MeshValidationException([MeshDiagnostics.BadExperiment.Found($"The address of the resource '{resource}' is not known here. Write an absolute \"url\".")]);

    public Task<Func<Task>> ActAsync(ProcessDocument step, CancellationToken cancellationToken) => MachinePressure.StartAsync(step) ?? throw GivenAddresses.NoProcesses(step);
}

/// <summary>Addresses from a command line. Processes belong to the AppHost, so only pressure on the machine can be made from here.</summary>
internal sealed class GivenAddresses(IReadOnlyDictionary<string, Uri>? addresses) : ISurroundings
{
    public Uri Locate(string resource, string? endpoint)
    {
        var name = endpoint is null ? resource : $"{resource}.{endpoint}";
        return addresses is not null && addresses.TryGetValue(name, out var address)
            ? address
            : throw new MeshValidationException([MeshDiagnostics.BadExperiment.Found($"The address of the resource '{name}' is not known here. Type: --at {name}=http://127.0.0.1:PORT")]);
    }

    public Task<Func<Task>> ActAsync(ProcessDocument step, CancellationToken cancellationToken) => MachinePressure.StartAsync(step) ?? throw NoProcesses(step);

    public static MeshValidationException NoProcesses(ProcessDocument step) =>
        new([MeshDiagnostics.BadExperiment.Found($"The step {step.Action.ToString().ToLowerInvariant()} of '{step.Resource}' needs the AppHost, which alone knows its processes. Run the document from a test: await app.RunAsync(document)")]);
}
