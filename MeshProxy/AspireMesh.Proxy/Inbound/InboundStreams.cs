using System.Globalization;
using System.Net.Sockets;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Opaque;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tunnel;
using AspireMesh.Proxy.Tunnel.Multiplexing;

namespace AspireMesh.Proxy.Inbound;

/// <summary>
/// A stream that names an endpoint, from a caller whose identity is settled: authorization, then either the app's connection joined to it, or the
/// HTTP pipeline where the endpoint's policies need requests.
/// </summary>
internal sealed class InboundStreams(RuntimeHolder holder, IHttpConnectionHandler http, IMeshEvents events, TimeProvider time)
{
    private static readonly TimeSpan AppConnectTime = TimeSpan.FromSeconds(5);

    private long _lastId;

    /// <summary>Serves the stream to its end.</summary>
    /// <param name="stream">Where the bytes come from.</param>
    /// <param name="endpointName">What the caller named.</param>
    /// <param name="kind">What it carries.</param>
    /// <param name="admit">Tells the caller that it is let in.</param>
    /// <param name="refuse">Tells the caller that it is not.</param>
    /// <param name="cut">Ends it at once.</param>
    public async Task ServeAsync(HalfCloseStream stream, string endpointName, StreamKind kind, Action admit, Action<TunnelError> refuse, CancellationToken cut)
    {
        var runtime = holder.Current;
        var caller = stream.Peer?.ToString() ?? "plaintext";
        if (!runtime.Inbound.TryGetValue(endpointName, out var endpoint))
        {
            Refuse(RefusalReason.UnknownEndpoint, TunnelError.UnknownEndpoint, null, $"'{runtime.Snapshot.Workload}' has no endpoint '{endpointName}'");
            return;
        }
        if (!Authorized(runtime, endpoint, stream, out var rule))
        {
            Refuse(RefusalReason.Denied, TunnelError.Unauthorized, rule, $"no rule of '{runtime.Snapshot.Workload}.{endpointName}' lets '{caller}' in: give it a reference, .WithReference({runtime.Snapshot.Workload})");
            return;
        }
        if (endpoint.WorksOnRequests && endpoint.Protocol == AppProtocol.Http)
        {
            // Opaque bytes would go around the rules about requests; the HTTP side refuses what is not HTTP, so they are parsed here all the same.
            admit();
            await ServeRequestsAsync(stream, endpoint, kind);
            return;
        }
        var fired = runtime.Rules.DecideInbound(endpointName, stream.Peer?.ToString());
        var effect = fired is null ? FaultEffect.None : await fired.BeforeAsync(cut);
        if (effect.Break == FaultBreak.Refuse)
        {
            Refuse(RefusalReason.AppUnreachable, TunnelError.AppUnreachable, null, $"a fault refused it: {fired!.Ids}");
            return;
        }
        if (effect.Ends)
        {
            admit();
            if (effect.Break == FaultBreak.BlackHole) await Swallow.RunAsync(stream, cut);
            else stream.Reset();
            return;
        }
        if (await TryConnectAppAsync(endpoint, kind, cut) is not { } app)
        {
            Refuse(RefusalReason.AppUnreachable, TunnelError.AppUnreachable, null, $"the app of '{runtime.Snapshot.Workload}.{endpointName}' does not take connections at {endpoint.App ?? "an address that is not known yet"}");
            return;
        }
        admit();
        await JoinAsync(fired?.Shape(stream, request: true) ?? stream, fired?.Shape(app, request: false) ?? app, endpoint, caller, cut);

        void Refuse(RefusalReason reason, TunnelError error, string? byRule, string detail)
        {
            refuse(error);
            events.Refused(new Refusal(MeshSide.Inbound, reason, endpointName, caller, byRule, detail));
        }
    }

    private async Task JoinAsync(HalfCloseStream stream, HalfCloseStream app, InboundEndpoint endpoint, string caller, CancellationToken cut)
    {
        var start = new ConnectionStart(MeshSide.Inbound, caller, endpoint.Name, time.GetTimestamp());
        events.ConnectionStarted(start);
        // No idle limit here: the caller's side has the edge's.
        var end = await Splice.RunAsync(stream, app, TimeSpan.Zero, time, cut);
        events.ConnectionEnded(start, end);
    }

    private async Task ServeRequestsAsync(HalfCloseStream stream, InboundEndpoint endpoint, StreamKind kind)
    {
        var id = Interlocked.Increment(ref _lastId).ToString("x", CultureInfo.InvariantCulture);
        var connection = new StreamConnection(stream, $"inbound-{id}");
        var http2 = kind == StreamKind.Http2;
        try
        {
            // Only our own sidecars say which HTTP it is; for others the first bytes do.
            if (kind == StreamKind.Tcp) http2 = await FirstBytes.AreHttp2Async(connection.Input, connection.ConnectionClosed);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            connection.Abort();
            await connection.DisposeAsync();
            return;
        }
        await http.HandleAsync(connection, new HttpEntry(MeshSide.Inbound, endpoint.Name, stream.Peer, null), http2);
    }

    private bool Authorized(SidecarRuntime runtime, InboundEndpoint endpoint, HalfCloseStream stream, out string? rule)
    {
        var requestsFollow = endpoint.WorksOnRequests && endpoint.Protocol == AppProtocol.Http;
        var decision = runtime.Authorization[endpoint.Name].JudgeConnection(CallerIdentity.FromPeer(stream.Peer), requestsFollow);
        rule = decision.Rule;
        // Where requests follow, the pipeline judges and answers each with its reason, and tells what an audit let pass; a connection carries no refusal that a person could read.
        if (requestsFollow) return true;
        if (decision.Audited is { } audited) events.Audited(new Refusal(MeshSide.Inbound, RefusalReason.Denied, endpoint.Name, stream.Peer?.ToString() ?? "", audited));
        return decision.Allowed;
    }

    private async Task<HalfCloseStream?> TryConnectAppAsync(InboundEndpoint endpoint, StreamKind kind, CancellationToken cut)
    {
        if (endpoint.App is null) return null;
        using var limit = new CancellationTokenSource(AppConnectTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, limit.Token);
        try
        {
            var socket = await HostPort.ConnectAsync(endpoint.App, either.Token);
            return endpoint.AppTls ? await OutsideDialer.SecureAsync(socket, "localhost", kind, trustAny: true, either.Token) : new SocketStream(socket);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or DialException)
        {
            return null;
        }
    }
}
