using System.Text.Json;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Protocol.Faults;

/// <summary>What each kind needs of a fault's settings.</summary>
internal static class FaultKindChecks
{
    public static void Check(FaultRule rule, string subject, ProblemList problems)
    {
        var fault = rule.Fault;
        var missing = fault.Kind switch
        {
            FaultKinds.Delay when fault.Delay <= TimeSpan.Zero => "a delay needs a time above 0. Type: --delay 300ms",
            FaultKinds.SlowClose when fault.Delay <= TimeSpan.Zero => "a slow close needs a time above 0. Type: --slow-close 2s",
            FaultKinds.Throttle or FaultKinds.Bandwidth when fault.BytesPerSecond <= 0 => $"{fault.Kind} needs bytes a second above 0. Type: --bandwidth 10KB",
            FaultKinds.Slicer when fault.Bytes <= 0 => "a slicer needs the size of a slice, in bytes above 0. Type: --slicer 64",
            FaultKinds.ByteLimit when fault.Bytes <= 0 => "a byte limit needs a number of bytes above 0. Type: --byte-limit 4KB",
            FaultKinds.Header when !IsHeaderName(fault.Name) => $"a header fault needs a header's name, and '{fault.Name}' is none. Type: --header 'x-name: value'",
            FaultKinds.Header when fault.Value is { } value && value.AsSpan().ContainsAny('\r', '\n', '\0') => "a header's value has no line breaks. Leave them out.",
            FaultKinds.PatchBody when !IsObject(fault.Value) => $"a patch of a body is a JSON object, and '{fault.Value}' is none. Type: --patch-body '{{\"price\":0}}'",
            FaultKinds.KeyCollision when fault.Name is not null && !IsHeaderName(fault.Name) => $"a key collision needs a header's name, and '{fault.Name}' is none. Type: --key-collision Idempotency-Key",
            FaultKinds.Flapping when fault.Delay <= TimeSpan.FromMilliseconds(1) => "flapping needs a period above 1 ms. Type: --flapping 2s",
            FaultKinds.ClockSkew when fault.Delay <= TimeSpan.Zero => "clock skew needs a time above 0. Type: --clock-skew 48h",
            FaultKinds.ClockSkew when fault.Value is not (null or "ahead" or "behind") => $"clock skew goes 'ahead' or 'behind', not '{fault.Value}'.",
            FaultKinds.StaleDestinations when fault.Value is { } address && !IsAddress(address) => $"'{address}' is no address. Write host:port, or leave it out.",
            FaultKinds.StreamClose when fault.Code is < 0 or > 4999 => $"the close code {fault.Code} is not from 0 to 4999.",
            FaultKinds.ControlSlow when fault.Delay <= TimeSpan.Zero => "a slow control plane needs a time above 0. Type: --control-slow 2s",
            FaultKinds.ControlDisconnect or FaultKinds.ControlRefuse when rule.ExpiresAt is null => "the control plane cannot take it away while it is in force, so it needs an end of its own. Type: --ttl 60s",
            _ => null,
        };
        if (missing is not null) problems.Add(MeshDiagnostics.BadFault, $"{subject}: {missing}");
        CheckPlace(rule, subject, problems);
        problems.Range(subject, "Message", fault.Message, 0, long.MaxValue);
    }

    private static void CheckPlace(FaultRule rule, string subject, ProblemList problems)
    {
        if (!FaultKinds.OnTls.Contains(rule.Fault.Kind) && !FaultKinds.OnControl.Contains(rule.Fault.Kind)) return;
        if (rule.Endpoint is not null) problems.Add(MeshDiagnostics.BadFault, $"{subject}: '{rule.Fault.Kind}' is about workloads, whose endpoints share their connections. Leave the endpoint out.");
        if (rule.Match is not null) problems.Add(MeshDiagnostics.BadFault, $"{subject}: '{rule.Fault.Kind}' comes before any request. Leave the match out.");
        if (!FaultKinds.OnTls.Contains(rule.Fault.Kind) || rule.Side == FaultSide.Outbound) return;
        if (rule.From is not null) problems.Add(MeshDiagnostics.BadFault, $"{subject}: at the callee a handshake begins before anybody knows who calls. Leave the caller out, or have the caller's side execute it.");
        if (rule.Fault.Kind == FaultKinds.NoCertificate) problems.Add(MeshDiagnostics.BadFault, $"{subject}: a server without a certificate cannot begin a handshake. Have the caller's side execute it.");
    }

    private static bool IsObject(string? text)
    {
        try
        {
            using var json = JsonDocument.Parse(text ?? "");
            return json.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsHeaderName(string? name) => name is { Length: > 0 } && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal));

    private static bool IsAddress(string text) => text.LastIndexOf(':') is > 0 and var colon && ushort.TryParse(text.AsSpan(colon + 1), out var port) && port > 0;
}
