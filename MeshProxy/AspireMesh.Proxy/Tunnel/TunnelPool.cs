using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tunnel;

/// <summary>
/// The shared tunnel connections to one other sidecar: a few, so that streams spread over cores, opened when all that are there are busy.
/// </summary>
internal sealed class TunnelPool(string address, SpiffeId expected, TunnelConnector connector, TunnelPoolOptions options)
{
    private readonly Lock _gate = new();
    private readonly List<TunnelConnection> _connections = [];
    // Retired ones included: they live on until their last stream ends.
    private readonly HashSet<TunnelConnection> _alive = [];
    private Task<TunnelConnection>? _opening;
    private long _lastUsed = options.Tunnel.Time.GetTimestamp();

    /// <summary>Connections now open.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _connections.Count;
        }
    }

    /// <summary>A connection with room for a stream; opens one where there is none, or where all have many streams and more may be opened.</summary>
    public async ValueTask<TunnelConnection> GetAsync(CancellationToken cancellationToken)
    {
        Task<TunnelConnection> opening;
        lock (_gate)
        {
            _lastUsed = options.Tunnel.Time.GetTimestamp();
            var best = _connections.Where(c => c.IsUsable).MinBy(c => c.OpenStreams);
            var crowded = best is not null && best.OpenStreams >= options.StreamsBeforeNext && _connections.Count < options.MaxConnections;
            if (best is not null && !crowded) return best;
            // A crowded connection is still a good one: open the next in the background and go on.
            _opening ??= OpenAsync();
            if (best is not null) return best;
            opening = _opening;
        }
        return await opening.WaitAsync(cancellationToken);
    }

    /// <summary>Lets running streams finish and takes no new ones: what is opened from now on uses the current SVID.</summary>
    public void Retire()
    {
        TunnelConnection[] all;
        lock (_gate)
        {
            all = [.. _connections];
            _connections.Clear();
        }
        foreach (var connection in all) _ = DrainAsync(connection);
    }

    /// <summary>Ends every connection and the streams on it.</summary>
    public async Task CloseAsync()
    {
        TunnelConnection[] all;
        lock (_gate) all = [.. _alive];
        foreach (var connection in all) await connection.DisposeAsync();
    }

    /// <summary>Retires connections that nobody has used for a while. True when none is left.</summary>
    public bool RetireIdle()
    {
        lock (_gate)
        {
            if (options.Tunnel.Time.GetElapsedTime(_lastUsed) < options.IdleTime || _connections.Any(c => c.OpenStreams > 0)) return false;
        }
        Retire();
        return true;
    }

    private async Task<TunnelConnection> OpenAsync()
    {
        await Task.Yield();
        try
        {
            // Shared by all who wait, so no one caller's token ends it; the connector has a limit of its own.
            var connection = await connector.ConnectAsync(address, expected);
            lock (_gate)
            {
                _connections.Add(connection);
                _alive.Add(connection);
            }
            _ = ForgetWhenEndedAsync(connection);
            return connection;
        }
        finally
        {
            lock (_gate) _opening = null;
        }
    }

    private async Task ForgetWhenEndedAsync(TunnelConnection connection)
    {
        await connection.Ended;
        lock (_gate)
        {
            _connections.Remove(connection);
            _alive.Remove(connection);
        }
        await connection.DisposeAsync();
    }

    private static async Task DrainAsync(TunnelConnection connection) => await connection.DrainAsync(CancellationToken.None);
}

/// <summary>Limits of the connections to one other sidecar.</summary>
internal sealed record TunnelPoolOptions
{
    /// <summary>Most shared connections. Default 2.</summary>
    public int MaxConnections { get; init; } = 2;

    /// <summary>Streams on every connection before the next is opened. Default 32.</summary>
    public int StreamsBeforeNext { get; init; } = 32;

    /// <summary>Without a stream for this long, connections are closed. Default 5 min.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>To connect and shake hands. Default 5 s.</summary>
    public TimeSpan ConnectTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Limits of each connection.</summary>
    public TunnelOptions Tunnel { get; init; } = new();
}
