using System.Diagnostics;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>
/// One structured record per request, to wherever the sidecar's own telemetry goes. Never to a console: that is for what people must read.
/// Failures are always written; of successes and of refusals (4xx) at most a number each second, each on its own so that the many do not hide the few, because a record costs more than the request's whole accounting and
/// the exporter's queue would drop what is too much anyway, failures included.
/// </summary>
/// <param name="logger">Null writes nothing.</param>
/// <param name="perSecond">The most successes, and the most refusals, written each second.</param>
/// <param name="time">The clock.</param>
internal sealed partial class AccessLog(ILogger? logger, int perSecond, TimeProvider time)
{
    private readonly bool _isOn = logger?.IsEnabled(LogLevel.Information) == true;
    private long _second;
    private int _successes;
    private int _refusals;

    /// <summary>Whether a request with this status is to be written.</summary>
    public bool Wants(int status)
    {
        if (!_isOn) return false;
        if (status is 0 or >= 500) return true;
        var second = time.GetTimestamp() / time.TimestampFrequency;
        if (Interlocked.Exchange(ref _second, second) != second) _successes = _refusals = 0;
        ref var written = ref status >= 400 ? ref _refusals : ref _successes;
        // Stops counting at the limit, so that a long second cannot overflow.
        return Volatile.Read(ref written) < perSecond && Interlocked.Increment(ref written) <= perSecond;
    }

    /// <summary>Writes a request that is wanted.</summary>
    public void Write(TapEvent request, string? error, ActivityTraceId trace)
    {
        var level = request.Status is 0 or >= 500 ? LogLevel.Warning : LogLevel.Information;
        Request(logger!, level, request.Method, request.Path, request.Status, request.DurationMs, request.From, request.To, request.Endpoint, request.Route, request.Destination, request.Attempts, request.Flags, request.Faults, request.GrpcStatus, error, trace == default ? null : request.TraceId);
    }

    /// <summary>Writes what an audit let pass; it counts among the successes of its second.</summary>
    public void WriteAudit(string from, string to, string endpoint, string rule)
    {
        if (Wants(200)) Audited(logger!, from, to, endpoint, rule);
    }

    [LoggerMessage(EventId = 201, Level = LogLevel.Information, Message = "Audit: {From} to {To}.{Endpoint} was let through, rule {Rule} would have refused it")]
    private static partial void Audited(ILogger logger, string from, string to, string endpoint, string rule);

    [LoggerMessage(EventId = 200, Message = "{Method} {Path} {Status} in {DurationMs} ms: {From} to {To}.{Endpoint}, route {Route}, destination {Destination}, attempts {Attempts}, flags {Flags}, faults {Faults}, gRPC {GrpcStatus}, error {Error}, trace {Trace}")]
    private static partial void Request(
        ILogger logger, LogLevel level, string? method, string? path, int status, double durationMs, string from, string to, string endpoint, string? route, string? destination,
        int attempts, string? flags, string? faults, int? grpcStatus, string? error, string? trace);
}
