using System.Globalization;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.LoadShedding;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Inbound.Forwarding;

/// <summary>One request to the local app: headers as they came, plus who calls where the app asked for it.</summary>
internal sealed class AppForward(AppClient app, CallerIdentity caller, bool identityHeader, IRequestEvents events, TimeProvider time) : HttpTransformer
{
    private readonly long _start = time.GetTimestamp();
    private GradientLimit? _place;

    /// <summary>Time to response headers; null when none came.</summary>
    public TimeSpan? HeadersAfter { get; private set; }

    public int? GrpcStatus { get; private set; }

    /// <summary>The place among the running requests that this one has taken; it is left with <see cref="LeavePlace"/>, or by itself when a stream begins.</summary>
    public void HoldPlace(GradientLimit place) => _place = place;

    /// <summary>Leaves the place, if one is still held.</summary>
    public void LeavePlace()
    {
        if (_place is not { } place) return;
        _place = null;
        place.Exit(HeadersAfter?.TotalMilliseconds);
    }

    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        proxyRequest.RequestUri = ForwardedTarget.For(app.Authority, httpContext.Request, null);
        TraceHeaders.Write(proxyRequest.Headers, events.Trace);
        if (identityHeader && caller.Id is not null) proxyRequest.Headers.TryAddWithoutValidation(HeaderHygiene.IdentityHeader, caller.Id);
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null) return ValueTask.FromResult(true);
        HeadersAfter = time.GetElapsedTime(_start);
        Read(proxyResponse.Headers);
        // A stream that has begun may be open for hours, which is not work: as many as the limit would shut everybody else out.
        if (_place is not null && IsStream(httpContext, proxyResponse)) LeavePlace();
        return base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        Read(proxyResponse.TrailingHeaders);
        return base.TransformResponseTrailersAsync(httpContext, proxyResponse, cancellationToken);
    }

    private static bool IsStream(HttpContext context, HttpResponseMessage response) =>
        HeaderHygiene.IsUpgrade(context)
        || (response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var types) && types.ToString() is var type
            && (type.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) || type.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase)));

    private void Read(System.Net.Http.Headers.HttpResponseHeaders headers)
    {
        if (headers.NonValidated.TryGetValues("grpc-status", out var values) && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var status)) GrpcStatus = status;
    }
}
