using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Outbound.Deadlines;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Mirroring;

/// <summary>
/// Sends copies of requests elsewhere and throws the answers away. Nothing of it can reach the caller: a copy has its own time limit, its failures are only
/// counted, at most <see cref="MaxRunning"/> run at once and more are left out, and a body is copied after the caller was served, if it was small enough.
/// </summary>
internal sealed class Mirror(TimeProvider time, Chance chance, IMeshEvents events, DestinationClients clients)
{
    /// <summary>Largest body that is copied where no retry policy says otherwise.</summary>
    public const int MaxBody = 64 * 1024;

    private const int MaxRunning = 100;
    private int _running;

    /// <summary>Requests without a body are copied at once.</summary>
    public void Begin(OutboundRequest request)
    {
        if (request.Route.Mirror is not null && !request.HasBody && !HeaderHygiene.IsUpgrade(request.Context)) Send(request, null);
    }

    /// <summary>Requests with a body are copied when it has been read.</summary>
    public void End(OutboundRequest request)
    {
        if (request.Route.Mirror is not null && request.Body?.TryCopy() is { } body) Send(request, body);
    }

    private void Send(OutboundRequest request, byte[]? body)
    {
        if (!chance.Percent(request.Route.Snapshot.Mirror!.Percent)) return;
        var cluster = request.Route.Mirror!;
        var sent = Interlocked.Increment(ref _running) <= MaxRunning;
        events.Mirrored(cluster.Snapshot, request.Route.Snapshot.Name, sent);
        if (!sent || cluster.Choose(request.Context, null, out _) is not { } destination)
        {
            Interlocked.Decrement(ref _running);
            return;
        }

        // Copied before the first await: the context belongs to the caller's request and is reused after it.
        var copy = Copy(request, body);
        _ = RunAsync(copy, cluster, destination, request.Route.Snapshot.Timeouts);
    }

    private async Task RunAsync(HttpRequestMessage copy, Cluster cluster, Destination destination, Protocol.Policies.TimeoutPolicy timeouts)
    {
        var start = time.GetTimestamp();
        var outcome = AttemptOutcome.Failed(AttemptFailure.Reset);
        using var deadline = new HeaderDeadline(time, timeouts.Request > TimeSpan.Zero ? timeouts.Request : TimeSpan.FromSeconds(15), CancellationToken.None);
        try
        {
            using var response = await clients.Get(cluster.Snapshot, destination.Snapshot, timeouts.Connect).SendAsync(copy, deadline.Token);
            outcome = AttemptOutcome.Answered((int)response.StatusCode);
            await response.Content.CopyToAsync(Stream.Null, deadline.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // Counted with the mirror's destination below; the caller was served long ago.
            if (outcome.Failure == AttemptFailure.None) outcome = AttemptOutcome.Failed(AttemptFailure.CallerGone);
        }
        finally
        {
            cluster.Observe(destination, outcome, time.GetElapsedTime(start));
            destination.State.End();
            Interlocked.Decrement(ref _running);
            copy.Dispose();
        }
    }

    private static HttpRequestMessage Copy(OutboundRequest request, byte[]? body)
    {
        var source = request.Context.Request;
        var http2 = HttpProtocol.IsHttp2(source.Protocol);
        var copy = new HttpRequestMessage(new HttpMethod(source.Method), ForwardedTarget.For(DestinationClient.Authority, source, request.Path))
        {
            Version = http2 ? System.Net.HttpVersion.Version20 : System.Net.HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body is null ? null : new ByteArrayContent(body),
        };
        foreach (var header in source.Headers)
        {
            if (header.Key.StartsWith(':') || header.Key is "Connection" or "Transfer-Encoding" or "Content-Length" or "Upgrade" or "Expect") continue;
            if (!copy.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string?>)header.Value)) copy.Content?.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string?>)header.Value);
        }

        TraceHeaders.Write(copy.Headers, request.Events.Trace);
        return copy;
    }
}
