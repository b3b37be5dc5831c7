using System.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Tunnel;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>
/// The kept HTTP/1.1 connections to one destination, the last used on top: those that are needed less fall idle and are ended. A request that finds none opens one.
/// </summary>
/// <param name="cluster">Who has to answer.</param>
/// <param name="destination">Where it is.</param>
/// <param name="connectTime">The longest a connection may take to be opened; zero for no limit.</param>
/// <param name="dialer">Opens streams.</param>
/// <param name="time">The clock.</param>
/// <param name="goingAway">Called when the connection under one of them takes no new streams.</param>
internal sealed class Http1Pool(ClusterSnapshot cluster, DestinationSnapshot destination, TimeSpan connectTime, ITunnelDialer dialer, TimeProvider time, Action goingAway) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Http1Connection> _idle = [];
    private ITimer? _sweep;
    private bool _closed;

    /// <summary>A kept connection that can be used; null for none.</summary>
    public Http1Connection? TryTake()
    {
        while (true)
        {
            Http1Connection connection;
            lock (_gate)
            {
                if (_idle.Count == 0) return null;
                connection = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }
            if (IsFresh(connection) && connection.IsQuiet) return connection;
            connection.Break();
        }
    }

    /// <summary>Opens a connection.</summary>
    /// <exception cref="DialException">It could not be opened.</exception>
    /// <exception cref="OperationCanceledException">The token.</exception>
    public async Task<Http1Connection> ConnectAsync(ActivityContext trace, CancellationToken cancellationToken)
    {
        using var limit = connectTime > TimeSpan.Zero ? new CancellationTokenSource(connectTime, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var stream = await dialer.OpenAsync(cluster, destination, StreamKind.Http1, trace, either.Token);
            // A rotation, a drain, a change of what the other end looks into: a kept connection would live past it for minutes.
            stream.GoingAway.UnsafeRegister(static g => ((Action)g!)(), goingAway);
            return new Http1Connection(stream, time.GetTimestamp());
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DialException(DialError.Connect, $"'{destination.Name}' did not take a connection within {connectTime.TotalSeconds:0.#} s", e);
        }
    }

    /// <summary>Keeps a connection that another request may use.</summary>
    public void Keep(Http1Connection connection)
    {
        connection.LetGo();
        connection.PutAway = time.GetTimestamp();
        lock (_gate)
        {
            if (!_closed)
            {
                _idle.Add(connection);
                _sweep ??= time.CreateTimer(static pool => ((Http1Pool)pool!).Sweep(), this, PooledConnectionLimits.Idle, PooledConnectionLimits.Idle);
                return;
            }
        }
        connection.Break();
    }

    /// <summary>Ends what is idle, and what is in use when its request is over.</summary>
    public void Dispose()
    {
        Http1Connection[] idle;
        lock (_gate)
        {
            _closed = true;
            idle = [.. _idle];
            _idle.Clear();
            _sweep?.Dispose();
            _sweep = null;
        }
        foreach (var connection in idle) connection.Break();
    }

    private void Sweep()
    {
        var old = new List<Http1Connection>();
        lock (_gate)
        {
            _idle.RemoveAll(c =>
            {
                if (IsFresh(c)) return false;
                old.Add(c);
                return true;
            });
            if (_idle.Count == 0)
            {
                _sweep?.Dispose();
                _sweep = null;
            }
        }
        foreach (var connection in old) connection.Break();
    }

    private bool IsFresh(Http1Connection connection) =>
        time.GetElapsedTime(connection.PutAway) < PooledConnectionLimits.Idle && time.GetElapsedTime(connection.Opened) < PooledConnectionLimits.Lifetime;
}
