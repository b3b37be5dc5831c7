using System.Collections.Concurrent;
using System.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Tunnel;

/// <summary>
/// Opens streams inside the mesh over shared tunnel connections (opaque TCP over one of its own, so that bulk transfers and requests do not share
/// a TCP window), and hands what leads outside the mesh to <see cref="OutsideDialer"/>.
/// </summary>
internal sealed class TunnelDialer : ITunnelDialer, IAsyncDisposable
{
    private const int MaxConnectionsTried = 3;

    private readonly ConcurrentDictionary<(string Address, string Identity), TunnelPool> _pools = new();
    private readonly TunnelConnector _connector;
    private readonly OutsideDialer _outside;
    private readonly ISvidSource _svids;
    private readonly IMeshEvents _events;
    private readonly TunnelPoolOptions _options;
    private readonly ITimer _idle;

    public TunnelDialer(TunnelConnector connector, OutsideDialer outside, ISvidSource svids, IMeshEvents events, TunnelPoolOptions options)
    {
        (_connector, _outside, _svids, _events, _options) = (connector, outside, svids, events, options);
        _svids.Changed += Retire;
        _idle = options.Tunnel.Time.CreateTimer(_ => RetireIdle(), null, options.IdleTime, options.IdleTime / 2);
    }

    public async ValueTask<HalfCloseStream> OpenAsync(
        ClusterSnapshot cluster, DestinationSnapshot destination, StreamKind kind, ActivityContext trace, CancellationToken cancellationToken)
    {
        try
        {
            HalfCloseStream stream = cluster.Kind == ClusterKind.Mesh
                ? await OpenInMeshAsync(cluster, destination, kind, trace, cancellationToken)
                : await _outside.OpenAsync(cluster, destination, kind, cancellationToken);
            _events.Dialed(cluster, destination, stream.Peer);
            return stream;
        }
        catch (DialException e)
        {
            _events.DialFailed(cluster, destination, e);
            throw;
        }
    }

    /// <summary>New streams use new connections: the SVID or the trusted roots changed.</summary>
    public void Retire()
    {
        foreach (var pool in _pools.Values) pool.Retire();
    }

    public async ValueTask DisposeAsync()
    {
        _svids.Changed -= Retire;
        await _idle.DisposeAsync();
        foreach (var pool in _pools.Values) await pool.CloseAsync();
    }

    private async ValueTask<TunnelStream> OpenInMeshAsync(
        ClusterSnapshot cluster, DestinationSnapshot destination, StreamKind kind, ActivityContext trace, CancellationToken cancellationToken)
    {
        var expected = SpiffeId.Parse(cluster.ExpectedIdentity!);
        var opening = new StreamOpening(cluster.Endpoint, (byte)kind, trace);
        if (kind == StreamKind.Tcp)
        {
            var own = await ConnectAloneAsync(destination.Address, expected, cancellationToken);
            return await OpenAloneAsync(own, opening, destination, cancellationToken);
        }
        var pool = _pools.GetOrAdd((destination.Address, cluster.ExpectedIdentity!), static (key, s) => new TunnelPool(key.Address, s.expected, s._connector, s._options), (expected, _connector, _options));
        for (var attempt = 1; ; attempt++)
        {
            TunnelConnection? connection = null;
            try
            {
                connection = await pool.GetAsync(cancellationToken);
                return await OpenOnAsync(connection, opening, destination, cancellationToken);
            }
            catch (DialException e) when (attempt < MaxConnectionsTried && e.Error is DialError.Refused or DialError.Broken && connection is { IsUsable: false })
            {
                // The connection was drained or lost before the stream was let in, so nothing was delivered: the next one is a new connection.
                cancellationToken.ThrowIfCancellationRequested();
            }
            catch (DialException e) when (attempt == 1 && e.Error is DialError.Handshake)
            {
                // A handshake that crossed the replacement of an SVID or a root may present what is trusted no more; the next one presents what is.
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task<TunnelConnection> ConnectAloneAsync(string address, SpiffeId expected, CancellationToken cancellationToken)
    {
        var connecting = _connector.ConnectAsync(address, expected);
        try
        {
            return await connecting.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // No pool knows it and its only stream never comes: a handshake that is finished after all would leave it open until an SVID ends.
            _ = connecting.ContinueWith(static late => _ = late.Result.DisposeAsync().AsTask(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    private static async ValueTask<TunnelStream> OpenAloneAsync(TunnelConnection own, StreamOpening opening, DestinationSnapshot destination, CancellationToken cancellationToken)
    {
        try
        {
            var stream = await OpenOnAsync(own, opening, destination, cancellationToken);
            // It takes no second stream, and closes when this one ends.
            _ = own.DrainAsync(CancellationToken.None);
            return stream;
        }
        catch
        {
            await own.DisposeAsync();
            throw;
        }
    }

    private static async ValueTask<TunnelStream> OpenOnAsync(TunnelConnection connection, StreamOpening opening, DestinationSnapshot destination, CancellationToken cancellationToken)
    {
        TunnelStream? stream = null;
        try
        {
            stream = connection.Open(opening);
            await stream.Ready.WaitAsync(cancellationToken);
            return stream;
        }
        catch (TunnelException e)
        {
            // A connection that is over refuses streams too, but that is no refusal by the other end.
            var error = connection.Ended.IsCompleted && e.Error == TunnelError.Refused ? TunnelError.ConnectionLost : e.Error;
            throw new DialException(ErrorOf(error), $"'{destination.Name}' did not let '{opening.Endpoint}' be reached: {Describe(error)}", e);
        }
        catch
        {
            // Given up while the far side was still connecting to its app.
            stream?.Dispose();
            throw;
        }
    }

    private void RetireIdle()
    {
        foreach (var pool in _pools) if (pool.Value.RetireIdle()) _pools.TryRemove(pool);
    }

    private static DialError ErrorOf(TunnelError error) => error switch
    {
        TunnelError.Unauthorized => DialError.Denied,
        TunnelError.UnknownEndpoint or TunnelError.AppUnreachable => DialError.AppUnreachable,
        TunnelError.Refused => DialError.Refused,
        _ => DialError.Broken,
    };

    private static string Describe(TunnelError error) => error switch
    {
        TunnelError.Unauthorized => "its authorization rules refuse this workload",
        TunnelError.UnknownEndpoint => "it has no such endpoint",
        TunnelError.Refused => "it is going away or has as many streams as it takes",
        TunnelError.AppUnreachable => "its app does not take connections",
        // In TLS 1.3 that is how a refused client certificate looks from here.
        _ => "the tunnel's connection broke; where that repeats, its sidecar's log says whether it refused this one's certificate",
    };
}
