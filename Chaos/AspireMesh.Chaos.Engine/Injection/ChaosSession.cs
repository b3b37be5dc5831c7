using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <summary>Faults into one running mesh. Disposing takes out everything that was injected through it.</summary>
public sealed class ChaosSession : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly List<InjectedFault> _injected = [];
    private int _count;

    internal ChaosSession(IFaultController controller, TimeProvider time, string name)
    {
        (Controller, _time, Name) = (controller, time, name);
    }

    internal IFaultController Controller { get; }

    /// <summary>The prefix of the ids of this session's faults.</summary>
    public string Name { get; }

    /// <summary>Puts a fault on an edge; returns when the sidecars that execute it obey it.</summary>
    /// <param name="edge">Where.</param>
    /// <param name="fault">What.</param>
    /// <param name="configure">Which requests, how often, how long.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="AspireMesh.Protocol.Diagnostics.MeshValidationException">Chaos is not enabled, or the edge or the fault cannot be.</exception>
    public async Task<InjectedFault> InjectAsync(ChaosEdge edge, Fault fault, Action<InjectionOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(edge);
        ArgumentNullException.ThrowIfNull(fault);
        var options = new InjectionOptions();
        configure?.Invoke(options);
        var rule = new FaultRule
        {
            Id = $"{Name}-{Interlocked.Increment(ref _count)}",
            From = edge.From,
            To = edge.To,
            Endpoint = edge.Endpoint,
            Side = options.Side,
            Match = options.Match,
            Fault = fault,
            Activation = options.Activation,
            Seed = options.Seed,
            ExpiresAt = _time.GetUtcNow() + options.TimeToLive,
            Order = options.Order,
        };
        var injected = new InjectedFault(Controller, rule);
        // Remembered before it is sent: a cancelled call may have reached the mesh all the same.
        lock (_gate) _injected.Add(injected);
        await Controller.AddAsync(rule, cancellationToken).ConfigureAwait(false);
        return injected;
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
        foreach (var fault in all) await fault.RemoveAsync().ConfigureAwait(false);
    }
}
