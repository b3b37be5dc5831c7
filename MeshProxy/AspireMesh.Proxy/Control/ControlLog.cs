using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Control;

/// <summary>What the control client logs.</summary>
internal static partial class ControlLog
{
    [LoggerMessage(100, LogLevel.Information, "Sidecar {Instance} joined as {Identity}; its SVID ends at {NotAfter:u}.")]
    public static partial void Joined(this ILogger logger, string instance, string identity, DateTimeOffset notAfter);

    [LoggerMessage(101, LogLevel.Information, "Sidecar {Instance} renewed its SVID; the new one ends at {NotAfter:u}.")]
    public static partial void Renewed(this ILogger logger, string instance, DateTimeOffset notAfter);

    [LoggerMessage(102, LogLevel.Warning, "Sidecar {Instance} could not renew its SVID, which ends at {NotAfter:u}: {Reason}")]
    public static partial void RenewalFailed(this ILogger logger, string instance, DateTimeOffset notAfter, string reason);

    [LoggerMessage(103, LogLevel.Warning, "{Detail}")]
    public static partial void Troubled(this ILogger logger, string detail);

    [LoggerMessage(104, LogLevel.Information, "Sidecar {Instance} is connected to the control plane at {Address}.")]
    public static partial void Connected(this ILogger logger, string instance, string address);

    [LoggerMessage(105, LogLevel.Information, "Sidecar {Instance} obeys snapshot {Version}.")]
    public static partial void Applied(this ILogger logger, string instance, long version);

    [LoggerMessage(106, LogLevel.Error, "Sidecar {Instance} refuses snapshot {Version}: {Reasons}")]
    public static partial void Refused(this ILogger logger, string instance, long version, string reasons);

    [LoggerMessage(107, LogLevel.Information, "The control plane asks sidecar {Instance} to drain within {Seconds} s.")]
    public static partial void DrainAsked(this ILogger logger, string instance, int seconds);
}
