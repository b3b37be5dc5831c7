using System.Net;
using System.Net.Sockets;
using System.Text;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Opaque;
using AspireMesh.Proxy.Passthrough;
using AspireMesh.Proxy.Runtime;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Egress;

/// <summary>
/// The forward proxy's connections. One that begins with CONNECT becomes a tunnel here; everything else is HTTP in absolute form and goes to
/// <see cref="EgressHandler"/>. Inside a tunnel to an https service the app's own TLS runs to its end, and its hello must name the host that was asked for; inside
/// one to an http service runs HTTP, which the service's listener takes with all its policies.
/// </summary>
internal sealed class EgressConnections(RuntimeHolder holder, IHttpConnectionHandler http, OpaqueOutbound opaque, EgressGate gate, IMeshEvents events, TimeProvider time)
{
    private static readonly byte[] s_established = "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    private readonly HelloReader _hellos = new(time);

    public async Task ServeAsync(Socket socket, CancellationToken silent, CancellationToken cut)
    {
        var remote = socket.RemoteEndPoint;
        var app = new SocketStream(socket);
        var bytes = new byte[1024];
        var length = 0;
        using var timed = new CancellationTokenSource(HelloReader.Patience, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(silent, cut, timed.Token);
        try
        {
            while (true)
            {
                var begun = bytes.AsMemory(0, length);
                if (length > 0 && !CouldBeConnect(begun.Span))
                {
                    await HandOverAsync(new ReplayedStream(begun, app), remote, new HttpEntry(MeshSide.Egress, SnapshotApplier.EgressTarget.Name, null, remote), begun.Span.StartsWith("PRI"u8));
                    return;
                }
                if (ConnectHead.Find(begun.Span) is > 0 and var end)
                {
                    await TunnelAsync(new ReplayedStream(begun[end..], app), begun[..end], remote, cut);
                    return;
                }
                if (length >= ConnectHead.MaxBytes)
                {
                    await AnswerAsync(app, 431, "Request Header Fields Too Large", $"{ResponseFlags.CallerProtocolError}; A CONNECT's head has at most {ConnectHead.MaxBytes} bytes.");
                    return;
                }
                if (length == bytes.Length) Array.Resize(ref bytes, bytes.Length * 2);
                // A connection that a client keeps in reserve says nothing for as long as it likes; one that has begun does not stop.
                var read = await app.ReadAsync(bytes.AsMemory(length), length == 0 ? silent : limit.Token);
                if (read == 0) break;
                length += read;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The app left, or said half of something for too long.
        }
        app.Reset();
    }

    private static bool CouldBeConnect(ReadOnlySpan<byte> bytes)
    {
        var length = Math.Min(bytes.Length, ConnectHead.Start.Length);
        return bytes[..length].SequenceEqual(ConnectHead.Start[..length]);
    }

    private async Task TunnelAsync(ReplayedStream app, ReadOnlyMemory<byte> bytes, EndPoint? remote, CancellationToken cut)
    {
        if (ConnectHead.Read(bytes.Span, out var problem) is not { } head)
        {
            await AnswerAsync(app, 400, "Bad Request", $"{ResponseFlags.CallerProtocolError}; The CONNECT cannot be read: {problem}.");
            return;
        }
        var runtime = holder.Current;
        if (runtime.Egress is null)
        {
            app.Reset();
            return;
        }
        var arrived = time.GetTimestamp();
        var decision = await gate.DecideAsync(runtime, head.Host, head.Port, cut);
        if (decision.Answer is { } refused)
        {
            Log(head, runtime, refused.Status, refused.Flag, refused.Reason, arrived);
            await AnswerAsync(app, refused.Status, refused.Status == 403 ? "Forbidden" : "Service Unavailable", $"{refused.Flag}; {refused.Reason} {refused.Next}");
        }
        else if (decision.Declared is not { } declared) await AuditedAsync(app, head, decision.Address!, runtime, arrived, cut);
        else if (declared.Tls) await opaque.ServeAsync(new Tunnel(this, app, head, runtime, arrived), PathOf(declared, runtime), runtime, cut);
        else await PlainAsync(app, head, declared, runtime, remote, arrived, cut);
    }

    // What runs in it is HTTP in the clear, so nothing is lost by reading it: the service's own listener does.
    private async Task PlainAsync(ReplayedStream app, ConnectHead head, EgressDestination declared, SidecarRuntime runtime, EndPoint? remote, long arrived, CancellationToken cut)
    {
        await app.WriteAsync(s_established, cut);
        var (hello, stream) = await _hellos.ReadAsync(app, cut);
        if (hello.State == HelloState.NotTls)
        {
            var first = new byte[3];
            var length = await stream.ReadAsync(first, cut);
            await HandOverAsync(new ReplayedStream(first.AsMemory(0, length), stream), remote, new HttpEntry(MeshSide.Outbound, declared.Listener, null, remote), first.AsSpan(0, length).SequenceEqual("PRI"u8));
            return;
        }
        var problem = $"{head.Host}:{head.Port} is declared as an http service, and inside {(hello.State == HelloState.Incomplete ? "nothing was said" : "is TLS")}. Declare it as https.";
        events.Refused(new Refusal(MeshSide.Egress, RefusalReason.Egress, declared.Listener, runtime.Snapshot.Workload, EgressGate.ServerNameRule, problem));
        Log(head, runtime, 200, ResponseFlags.UndeclaredEgress, problem, arrived);
        stream.Reset();
    }

    private async Task AuditedAsync(ReplayedStream app, ConnectHead head, IPAddress address, SidecarRuntime runtime, long arrived, CancellationToken cut)
    {
        var start = new ConnectionStart(MeshSide.Egress, EgressGate.Undeclared, "tcp", arrived);
        events.ConnectionStarted(start);
        var end = new ConnectionEnd(0, 0, null);
        try
        {
            using var timed = new CancellationTokenSource(MeshDefaults.OpaqueTimeouts.Connect, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cut, timed.Token);
            var socket = await HostPort.ConnectAsync(new IPEndPoint(address, head.Port).ToString(), either.Token);
            var outside = new SocketStream(socket);
            await app.WriteAsync(s_established, cut);
            Log(head, runtime, 200, ResponseFlags.UndeclaredEgress, $"let through by audit (rule {EgressGate.UndeclaredRule})", arrived);
            end = await Splice.RunAsync(app, outside, MeshDefaults.OpaqueTimeouts.Idle, time, cut);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            end = new ConnectionEnd(0, 0, e.Message);
            await AnswerAsync(app, 503, "Service Unavailable", $"{ResponseFlags.UpstreamConnectFailure}; No connection to {head.Host}:{head.Port}: {e.Message}");
        }
        events.ConnectionEnded(start, end);
    }

    private string? Check(SidecarRuntime runtime, ConnectHead head, ClientHello hello) => gate.CheckServerName(runtime, head.Host, hello);

    private static OpaquePath PathOf(EgressDestination declared, SidecarRuntime runtime)
    {
        var listener = runtime.Outbound[declared.Listener];
        // An hour idle, as for every opaque connection: what is silent inside may well be a stream.
        var timeouts = listener.Timeouts with { Idle = MeshDefaults.OpaqueTimeouts.Idle };
        return OpaquePath.Of(listener) with { Side = MeshSide.Egress, Cluster = declared.Cluster, Timeouts = timeouts };
    }

    private async Task HandOverAsync(HalfCloseStream stream, EndPoint? remote, HttpEntry entry, bool http2)
    {
        var connection = new StreamConnection(stream, $"{entry.Name} {remote}") { RemoteEndPoint = remote };
        await http.HandleAsync(connection, entry, http2);
    }

    private void Log(ConnectHead head, SidecarRuntime runtime, int status, string? flag, string? error, long arrived)
    {
        var workload = runtime.Snapshot.Workload;
        var request = events.RequestStarted(new RequestStart(MeshSide.Outbound, workload, EgressGate.Undeclared, "tcp", "CONNECT", $"{head.Host}:{head.Port}", "HTTP/1.1", null, null, arrived));
        if (error is not null) request.Decided(new PolicyDecision(Telemetry.MeshNames.RefusalDecision, flag ?? ""));
        request.Ended(new RequestEnd(SnapshotApplier.EgressTarget.Name, null, status, null, flag, 0, time.GetElapsedTime(arrived), error));
    }

    private static async Task AnswerAsync(HalfCloseStream app, int status, string phrase, string text)
    {
        var line = new string([.. text.Select(c => c is < ' ' or > '~' ? '?' : c)]);
        try
        {
            await app.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {phrase}\r\n{ErrorAnswer.Header}: {line}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {line.Length + 1}\r\nConnection: close\r\n\r\n{line}\n"));
            await app.CloseWriteAsync(CancellationToken.None);
            app.Finish();
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            app.Reset();
        }
    }

    /// <summary>A CONNECT to a declared service whose TLS is the app's own.</summary>
    private sealed class Tunnel(EgressConnections owner, ReplayedStream app, ConnectHead head, SidecarRuntime runtime, long arrived) : OpaqueOpener
    {
        public override IPAddress? From => app.From;

        public override async ValueTask<HalfCloseStream> AcceptAsync(CancellationToken cut)
        {
            await app.WriteAsync(s_established, cut);
            var (hello, stream) = await owner._hellos.ReadAsync(app, cut);
            if (owner.Check(runtime, head, hello) is not { } problem) return stream;
            owner.Log(head, runtime, 200, ResponseFlags.UndeclaredEgress, problem, arrived);
            stream.Reset();
            throw new IOException(problem);
        }

        public override async ValueTask RefuseAsync(string problem)
        {
            owner.Log(head, runtime, 503, ResponseFlags.UpstreamConnectFailure, problem, arrived);
            await AnswerAsync(app, 503, "Service Unavailable", $"{ResponseFlags.UpstreamConnectFailure}; {problem}");
        }
    }
}
