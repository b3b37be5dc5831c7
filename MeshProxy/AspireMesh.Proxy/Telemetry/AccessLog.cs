using System.Diagnostics;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>One structured record per request, to wherever the sidecar's own telemetry goes. Never to a console: that is for what people must read.</summary>
internal sealed partial class AccessLog(ILogger? logger)
{
    /// <summary>Whether anything would be written.</summary>
    public bool IsOn { get; } = logger?.IsEnabled(LogLevel.Information) == true;

    /// <summary>Writes a request.</summary>
    public void Write(TapEvent request, string? error, ActivityTraceId trace)
    {
        if (!IsOn) return;
        var level = request.Status is 0 or >= 500 ? LogLevel.Warning : LogLevel.Information;
        Request(logger!, level, request.Method, request.Path, request.Status, request.DurationMs, request.From, request.To, request.Endpoint, request.Route, request.Destination, request.Attempts, request.Flags, request.GrpcStatus, error, trace == default ? null : request.TraceId);
    }

    [LoggerMessage(EventId = 200, Message = "{Method} {Path} {Status} in {DurationMs} ms: {From} to {To}.{Endpoint}, route {Route}, destination {Destination}, attempts {Attempts}, flags {Flags}, gRPC {GrpcStatus}, error {Error}, trace {Trace}")]
    private static partial void Request(
        ILogger logger, LogLevel level, string? method, string? path, int status, double durationMs, string from, string to, string endpoint, string? route, string? destination,
        int attempts, string? flags, int? grpcStatus, string? error, string? trace);
}
