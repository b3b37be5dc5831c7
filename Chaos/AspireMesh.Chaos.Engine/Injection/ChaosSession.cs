using AspireMesh.Chaos.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>
/// Faults into one running mesh. Disposing takes out everything that was injected through it; so does the end of this process, some seconds later,
/// because the session holds a lease that it has to renew.
/// </summary>
public sealed class ChaosSession : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly SessionLease _lease;
    private readonly IDisposable? _owned;
    private readonly Lock _gate = new();
    private readonly List<InjectedFault> _injected = [];
    private int _count;

    internal ChaosSession(IFaultController controller, TimeProvider time, string name, ISurroundings? surroundings = null, IDisposable? owned = null)
    {
        (Controller, _time, Name, Surroundings, _owned) = (controller, time, name, surroundings ?? new NoSurroundings(), owned);
        _lease = new SessionLease(controller, name, time);
    }

    internal IFaultController Controller { get; }

    internal ISurroundings Surroundings { get; }

    /// <summary>The prefix of the ids of this session's faults.</summary>
    public string Name { get; }

    /// <summary>Opens a session on a mesh that runs somewhere else. Two sessions at once need two names.</summary>
    /// <param name="run">The mesh's run file.</param>
    /// <param name="name">The session's name; null for one made up.</param>
    /// <param name="addresses">Where resources answer that a document names: name, or name and endpoint with a dot between, and address.</param>
    /// <param name="time">The clock. Default the system's.</param>
    public static ChaosSession Open(RunFile run, string? name = null, IReadOnlyDictionary<string, Uri>? addresses = null, TimeProvider? time = null)
    {
        var client = new MeshAdminClient(run);
        return new ChaosSession(new AdminFaultController(client), time ?? TimeProvider.System, name ?? $"run-{Guid.NewGuid():N}"[..12], new GivenAddresses(addresses), client);
    }

    /// <summary>Puts a fault on an edge; returns when the sidecars that execute it obey it.</summary>
    /// <param name="edge">Where.</param>
    /// <param name="fault">What.</param>
    /// <param name="configure">Which requests, how often, how long.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="AspireMesh.Protocol.Diagnostics.MeshValidationException">Chaos is not enabled, or the edge or the fault cannot be.</exception>
    public Task<InjectedFault> InjectAsync(ChaosEdge edge, Fault fault, Action<InjectionOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(edge);
        ArgumentNullException.ThrowIfNull(fault);
        var options = new InjectionOptions();
        configure?.Invoke(options);
        return InjectAsync(edge, fault, options, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        InjectedFault[] all;
        lock (_gate)
        {
            all = [.. _injected];
            _injected.Clear();
        }
        try
        {
            // All at once, so that one that cannot be taken out keeps no other in force.
            await Task.WhenAll(all.Select(f => f.RemoveAsync())).ConfigureAwait(false);
        }
        finally
        {
            await _lease.DisposeAsync().ConfigureAwait(false);
            _owned?.Dispose();
        }
    }

    internal async Task<InjectedFault> InjectAsync(ChaosEdge edge, Fault fault, InjectionOptions options, CancellationToken cancellationToken)
    {
        var rule = new FaultRule
        {
            Id = $"{Name}-{options.Id ?? $"{Interlocked.Increment(ref _count)}"}",
            From = edge.From,
            To = edge.To,
            Endpoint = edge.Endpoint,
            Side = options.Side,
            Match = options.Match,
            Fault = fault,
            Activation = options.Activation,
            Seed = options.Seed,
            ExpiresAt = _time.GetUtcNow() + options.TimeToLive,
            Owner = Name,
            Order = options.Order,
        };
        await _lease.TakeAsync(cancellationToken).ConfigureAwait(false);
        var injected = new InjectedFault(Controller, rule, _time);
        // Remembered before it is sent: a cancelled call may have reached the mesh all the same.
        lock (_gate) _injected.Add(injected);
        await Controller.AddAsync(rule, cancellationToken).ConfigureAwait(false);
        return injected;
    }
}
