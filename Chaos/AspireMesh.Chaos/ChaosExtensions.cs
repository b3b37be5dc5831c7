using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Processes;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Chaos;

/// <summary>Chaos for an application under test: the same calls in the simulator and on the real Aspire.</summary>
public static class ChaosExtensions
{
    /// <summary>Opens a session on the application's mesh. Dispose it to take out everything it injected.</summary>
    /// <param name="app">A started application whose AppHost calls <c>AddServiceMesh().WithChaos()</c>, or is started with <c>--Mesh:Chaos=true</c>.</param>
    /// <param name="name">Prefix of the faults' ids. Default <c>test</c>.</param>
    /// <param name="time">The clock for times to live. Default the system's.</param>
    /// <param name="cancellationToken">Stops waiting for the control plane.</param>
    /// <exception cref="InvalidOperationException">The AppHost has no mesh.</exception>
    public static async Task<ChaosSession> OpenChaosAsync(this DistributedApplication app, string name = "test", TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(app);
        var access = app.Services.GetService<MeshAccess>()
            ?? throw new InvalidOperationException("the AppHost has no mesh, so there is no edge to put a fault on. Add builder.AddServiceMesh().WithChaos(); to the AppHost.");
        var run = await access.Run.WaitAsync(cancellationToken).ConfigureAwait(false);
        var client = new MeshAdminClient(run);
        return new ChaosSession(new AdminFaultController(client), time ?? TimeProvider.System, name, new AppSurroundings(app), client);
    }

    /// <summary>Puts one fault on one edge: <c>await using var fault = await app.InjectAsync(…)</c>.</summary>
    /// <param name="app">The application.</param>
    /// <param name="edge">Where.</param>
    /// <param name="fault">What.</param>
    /// <param name="configure">Which requests, how often, how long.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static async Task<InjectedFault> InjectAsync(this DistributedApplication app, ChaosEdge edge, Fault fault, Action<InjectionOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var session = await app.OpenChaosAsync($"inject-{Guid.NewGuid():N}"[..15], cancellationToken: cancellationToken).ConfigureAwait(false);
        return (await session.InjectAsync(edge, fault, configure, cancellationToken).ConfigureAwait(false)).Owning(session);
    }

    /// <summary>Runs an experiment that is data: a document, an import or a frozen campaign.</summary>
    public static Task<ExperimentResult> RunAsync(this DistributedApplication app, ExperimentDocument document, CancellationToken cancellationToken = default) =>
        app.RunAsync(Experiment.From(document), cancellationToken);

    /// <summary>Runs an experiment on the application.</summary>
    /// <param name="app">The application.</param>
    /// <param name="experiment">The experiment.</param>
    /// <param name="cancellationToken">Ends it early; its faults are taken out all the same.</param>
    public static async Task<ExperimentResult> RunAsync(this DistributedApplication app, Experiment experiment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        var session = await app.OpenChaosAsync($"exp-{Guid.NewGuid():N}"[..12], cancellationToken: cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false)) return await experiment.RunAsync(session, cancellationToken: cancellationToken).ConfigureAwait(false);
    }
}
