using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AspireMesh.Proxy.Http;

/// <summary>
/// Kestrel without its sockets: parses HTTP on connections that our acceptors hand over and calls the pipeline. No hosting layer around it,
/// so nothing makes spans or logs of its own.
/// </summary>
internal sealed class HttpServer : IHttpConnectionHandler, IHttpApplication<HttpContext>, IAsyncDisposable
{
    private readonly HandoverListenerFactory _handover = new();
    private readonly KestrelServer _kestrel;
    private readonly RuntimeHolder _runtime;
    private readonly IHttpPipeline _pipeline;
    private readonly RequestDelegate? _admin;
    private volatile bool _lastAnswers;

    public HttpServer(RuntimeHolder runtime, IHttpPipeline pipeline, RequestDelegate? admin, IServiceProvider services, ILoggerFactory loggers)
    {
        (_runtime, _pipeline, _admin) = (runtime, pipeline, admin);
        var options = new KestrelServerOptions { ApplicationServices = services, AddServerHeader = false, AllowResponseHeaderCompression = true, AllowAlternateSchemes = true };
        // AllowAlternateSchemes: standard mTLS peers say https inside a connection whose TLS ended before Kestrel.
        RemoveLimits(options.Limits);
        // Bytes in, bytes out: header values that are not ASCII are the app's business, and Latin-1 keeps every byte.
        options.RequestHeaderEncodingSelector = static _ => System.Text.Encoding.Latin1;
        options.ResponseHeaderEncodingSelector = static _ => System.Text.Encoding.Latin1;
        options.Listen(_handover.Http1.EndPoint, o => o.Protocols = HttpProtocols.Http1);
        options.Listen(_handover.Http2.EndPoint, o => o.Protocols = HttpProtocols.Http2);
        _kestrel = new KestrelServer(Options.Create(options), _handover, loggers);
    }

    /// <summary>Whether each connection is told with its next answer that it was the last one here: a newer process takes the following ones.</summary>
    public bool LastAnswers { get => _lastAnswers; set => _lastAnswers = value; }

    public Task StartAsync(CancellationToken cancellationToken) => _kestrel.StartAsync(this, cancellationToken);

    /// <summary>Stops keep-alive connections as they fall idle; running requests go on until the token says otherwise.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _kestrel.StopAsync(cancellationToken);

    public async Task HandleAsync(ConnectionContext connection, HttpEntry entry, bool http2)
    {
        connection.Features.Set(entry);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var tracked = new TrackedConnection(connection, ended);
        if (!(http2 ? _handover.Http2 : _handover.Http1).TryHandOver(tracked))
        {
            await connection.DisposeAsync();
            return;
        }
        await ended.Task;
    }

    HttpContext IHttpApplication<HttpContext>.CreateContext(IFeatureCollection contextFeatures)
    {
        if (contextFeatures is not Microsoft.AspNetCore.Hosting.Server.Abstractions.IHostContextContainer<HttpContext> container) return new DefaultHttpContext(contextFeatures);
        // Kestrel keeps one context per connection or stream slot: requests after the first allocate none.
        if (container.HostContext is DefaultHttpContext reused)
        {
            reused.Initialize(contextFeatures);
            return reused;
        }
        var created = new DefaultHttpContext(contextFeatures);
        container.HostContext = created;
        return created;
    }

    Task IHttpApplication<HttpContext>.ProcessRequestAsync(HttpContext context)
    {
        var entry = context.Features.Get<HttpEntry>() ?? throw new InvalidOperationException("a connection was handed over without its entry");
        // HTTP/2 connections are told by a GOAWAY of Kestrel's when it stops.
        if ((_lastAnswers || HasFaultyFraming(context.Request)) && !HttpProtocol.IsHttp2(context.Request.Protocol)) context.Response.OnStarting(SayLast, context.Response);
        return entry.Side == MeshSide.Admin
            ? _admin?.Invoke(context) ?? Task.CompletedTask
            : _pipeline.HandleAsync(context, entry, _runtime.Current);
    }

    void IHttpApplication<HttpContext>.DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _kestrel.StopAsync(now.Token);
        _kestrel.Dispose();
    }

    // RFC 9112 section 6.1: where its end cannot be trusted, nothing after it on the connection can.
    private static bool HasFaultyFraming(HttpRequest request) => HttpProtocol.IsHttp10(request.Protocol) && request.Headers.TransferEncoding.Count > 0;

    private static Task SayLast(object response)
    {
        var answer = (HttpResponse)response;
        if (answer.StatusCode != StatusCodes.Status101SwitchingProtocols) answer.Headers.Connection = "close";
        return Task.CompletedTask;
    }

    // A mesh must not refuse what the app would take: sizes, rates and counts are the app's to limit. Header limits stay at Kestrel's,
    // because a header block has to be held in memory whole before it can be routed.
    private static void RemoveLimits(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxConcurrentConnections = null;
        limits.MaxConcurrentUpgradedConnections = null;
        limits.Http2.MaxStreamsPerConnection = 1000;
        limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
        limits.Http2.InitialStreamWindowSize = 1024 * 1024;
    }
}
