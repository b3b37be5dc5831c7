using System.Runtime.CompilerServices;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>
/// Sends plain HTTP/1.1 exchanges: most of what a mesh carries. It does less than YARP with SocketsHttpHandler, and so costs less than half: no message objects, no
/// header collections, no copy of a body that is there already. What it does not do (upgrades, HTTP/2, 100-continue, hedging, faults on the wire) goes to YARP;
/// everything above an attempt is the same for both.
/// </summary>
internal sealed class Http1Forwarder(TimeProvider time)
{
    /// <summary>Whether a request is one of these.</summary>
    public static bool Carries(HttpContext context) =>
        !HttpProtocol.IsHttp2(context.Request.Protocol) && context.Request.Headers.Expect.Count == 0 && !HttpMethods.IsConnect(context.Request.Method) && !HeaderHygiene.IsUpgrade(context);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ForwardResult> SendAsync(Attempt attempt, OutboundRequest request, Http1Pool pool, CancellationToken cancellation)
    {
        while (true)
        {
            var connection = pool.TryTake();
            var kept = connection is not null;
            try
            {
                connection ??= await pool.ConnectAsync(attempt.Changes.Trace, cancellation);
            }
            catch (Exception e) when (e is DialException or OperationCanceledException or IOException)
            {
                return new ForwardResult(e is OperationCanceledException ? ForwarderError.RequestCanceled : ForwarderError.Request, e);
            }
            var exchange = new Http1Exchange(attempt, request, connection, time, cancellation);
            var result = await exchange.RunAsync();
            if (exchange.KeepsConnection) pool.Keep(connection);
            else End(connection);
            // An app may close a kept connection at the very moment a request is sent on it. Where the method may be repeated and no body was begun, that is no
            // failure but an invitation to take another connection (RFC 9112 9.3.1).
            if (kept && exchange.HeardNothing && !request.HasBody && HttpMethodFacts.IsIdempotent(request.Context.Request.Method)) continue;
            return result;
        }
    }

    private static void End(Http1Connection connection)
    {
        connection.Break();
        connection.LetGo();
    }
}
