using System.Globalization;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Inbound.Forwarding;

/// <summary>One request to the local app: headers as they came, plus who calls where the app asked for it.</summary>
internal sealed class AppForward(AppClient app, CallerIdentity caller, bool identityHeader, IRequestEvents events, TimeProvider time) : HttpTransformer
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Time to response headers; null when none came.</summary>
    public TimeSpan? HeadersAfter { get; private set; }

    public int? GrpcStatus { get; private set; }

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
        return base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        Read(proxyResponse.TrailingHeaders);
        return base.TransformResponseTrailersAsync(httpContext, proxyResponse, cancellationToken);
    }

    private void Read(System.Net.Http.Headers.HttpResponseHeaders headers)
    {
        if (headers.NonValidated.TryGetValues("grpc-status", out var values) && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var status)) GrpcStatus = status;
    }
}
