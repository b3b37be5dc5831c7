using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos;

/// <content>One for each further kind. A direction is <c>request</c>, <c>response</c> or <c>both</c>.</content>
public static partial class Faults
{
    /// <summary>Answers 429 with this <c>Retry-After</c>.</summary>
    public static Fault RateLimited(TimeSpan retryAfter) => new() { Kind = FaultKinds.RateLimit, Delay = retryAfter };

    /// <summary>Lets so many bytes of a body pass each second.</summary>
    public static Fault Throttle(long bytesPerSecond, string direction = "response") => new() { Kind = FaultKinds.Throttle, BytesPerSecond = bytesPerSecond, Direction = direction };

    /// <summary>Breaks a body off after so many bytes.</summary>
    public static Fault Truncate(long bytes, string direction = "response") => new() { Kind = FaultKinds.Truncate, Bytes = bytes, Direction = direction };

    /// <summary>Turns over one byte.</summary>
    public static Fault Corrupt(long offset = 0, string direction = "response") => new() { Kind = FaultKinds.Corrupt, Bytes = offset, Direction = direction };

    /// <summary>A body comes twice over.</summary>
    public static Fault Duplicate(string direction = "response") => new() { Kind = FaultKinds.Duplicate, Direction = direction };

    /// <summary>This body comes in place of what was sent.</summary>
    public static Fault ReplaceBody(string body, string direction = "response") => new() { Kind = FaultKinds.ReplaceBody, Value = body, Direction = direction };

    /// <summary>A JSON body is changed by a merge patch (RFC 7396), for example <c>{"price":0}</c>.</summary>
    public static Fault PatchBody(string mergePatch, string direction = "response") => new() { Kind = FaultKinds.PatchBody, Value = mergePatch, Direction = direction };

    /// <summary>The first answer to a GET is given again to the later ones of the same path and query.</summary>
    public static Fault StaleCache() => new() { Kind = FaultKinds.StaleCache };

    /// <summary>Requests carry the idempotency key of the first one that is hit.</summary>
    public static Fault KeyCollision(string header = "Idempotency-Key") => new() { Kind = FaultKinds.KeyCollision, Name = header };

    /// <summary>The callee's rules refuse the caller, as they do once its reference is taken away: 403 to HTTP, PERMISSION_DENIED to gRPC, a broken connection to others.</summary>
    public static Fault Revoke() => new() { Kind = FaultKinds.Abort, Status = 403, GrpcStatus = 7 };

    /// <summary>The callee gets the request twice.</summary>
    public static Fault Replay() => new() { Kind = FaultKinds.Replay };

    /// <summary>The callee does the work and its answer is lost.</summary>
    public static Fault DropResponse() => new() { Kind = FaultKinds.DropResponse };

    /// <summary>Sets a header, or takes it away where the value is null.</summary>
    public static Fault SetHeader(string name, string? value, string direction = "response") => new() { Kind = FaultKinds.Header, Name = name, Value = value, Direction = direction };

    /// <summary>The response's trailers are lost, for gRPC its status.</summary>
    public static Fault LoseTrailers() => new() { Kind = FaultKinds.LoseTrailers };

    /// <summary>Nobody takes the connection.</summary>
    public static Fault Refuse() => new() { Kind = FaultKinds.Refuse };

    /// <summary>Nothing arrives and nothing comes back; the connection breaks after a time where one is given.</summary>
    public static Fault BlackHole(TimeSpan until = default) => new() { Kind = FaultKinds.BlackHole, Delay = until };

    /// <summary>What is sent arrives, and no answer comes.</summary>
    public static Fault Hang() => new() { Kind = FaultKinds.Hang };

    /// <summary>One direction ends in order after so many bytes.</summary>
    public static Fault HalfClose(long bytes, string direction = "response") => new() { Kind = FaultKinds.HalfClose, Bytes = bytes, Direction = direction };

    /// <summary>The end of a direction comes this much late.</summary>
    public static Fault SlowClose(TimeSpan delay, string direction = "response") => new() { Kind = FaultKinds.SlowClose, Delay = delay, Direction = direction };

    /// <summary>Bytes come in slices, with a pause between them.</summary>
    public static Fault Slicer(long bytes, TimeSpan pause = default, string direction = "response") => new() { Kind = FaultKinds.Slicer, Bytes = bytes, Delay = pause, Direction = direction };

    /// <summary>The connection breaks after so many bytes.</summary>
    public static Fault ByteLimit(long bytes, string direction = "response") => new() { Kind = FaultKinds.ByteLimit, Bytes = bytes, Direction = direction };

    /// <summary>So many bytes a second.</summary>
    public static Fault Bandwidth(long bytesPerSecond, string direction = "response") => new() { Kind = FaultKinds.Bandwidth, BytesPerSecond = bytesPerSecond, Direction = direction };

    /// <summary>The executing sidecar leaves its tunnel connections in order; nothing should notice.</summary>
    public static Fault Drain() => new() { Kind = FaultKinds.Drain };

    /// <summary>A gRPC stream or WebSocket stands still at a message, for good where no time is given.</summary>
    public static Fault StreamStall(long message, TimeSpan time = default, string direction = "response") => new() { Kind = FaultKinds.StreamStall, Message = message, Delay = time, Direction = direction };

    /// <summary>A stream ends with a code at a message; 0 for a WebSocket's 1011 or gRPC's 14.</summary>
    public static Fault StreamClose(long message, int code = 0, string? reason = null, string direction = "response") => new() { Kind = FaultKinds.StreamClose, Message = message, Code = code, Name = reason, Direction = direction };

    /// <summary>A stream loses a message.</summary>
    public static Fault StreamDrop(long message, string direction = "response") => new() { Kind = FaultKinds.StreamDrop, Message = message, Direction = direction };

    /// <summary>A message of a stream comes twice.</summary>
    public static Fault StreamDuplicate(long message, string direction = "response") => new() { Kind = FaultKinds.StreamDuplicate, Message = message, Direction = direction };

    /// <summary>A message of a stream comes after the one that follows it.</summary>
    public static Fault StreamReorder(long message, string direction = "response") => new() { Kind = FaultKinds.StreamReorder, Message = message, Direction = direction };

    /// <summary>The callee has no destination.</summary>
    public static Fault NoDestinations() => new() { Kind = FaultKinds.NoDestinations };

    /// <summary>Discovery gives an address, <c>host:port</c>, where the destination no longer is; one where nobody listens by default.</summary>
    public static Fault StaleDestinations(string? address = null) => new() { Kind = FaultKinds.StaleDestinations, Value = address };

    /// <summary>A destination (all by default) comes and goes.</summary>
    public static Fault Flapping(TimeSpan period, string? destination = null) => new() { Kind = FaultKinds.Flapping, Delay = period, Name = destination };

    /// <summary>Presents an expired certificate.</summary>
    public static Fault ExpiredCertificate() => new() { Kind = FaultKinds.ExpiredCertificate };

    /// <summary>Presents a certificate that is not valid yet.</summary>
    public static Fault FutureCertificate() => new() { Kind = FaultKinds.FutureCertificate };

    /// <summary>Presents a certificate of another mesh.</summary>
    public static Fault WrongTrustDomain(string? trustDomain = null) => new() { Kind = FaultKinds.WrongTrustDomain, Value = trustDomain };

    /// <summary>Presents a certificate with two identities.</summary>
    public static Fault TwoSans() => new() { Kind = FaultKinds.TwoSans };

    /// <summary>Presents no client certificate.</summary>
    public static Fault NoCertificate() => new() { Kind = FaultKinds.NoCertificate };

    /// <summary>Speaks TLS 1.2 only.</summary>
    public static Fault Downgrade() => new() { Kind = FaultKinds.Downgrade };

    /// <summary>Judges certificates by a clock that is ahead, or behind where the time is negative.</summary>
    public static Fault ClockSkew(TimeSpan ahead) => new() { Kind = FaultKinds.ClockSkew, Delay = ahead.Duration(), Value = ahead < TimeSpan.Zero ? "behind" : "ahead" };

    /// <summary>Renews the executing sidecar's SVID when a request matches.</summary>
    public static Fault RotateNow() => new() { Kind = FaultKinds.RotateNow };

    /// <summary>The callee's sidecars lose the control plane, until the fault's time is over: nobody can take it away before.</summary>
    public static Fault ControlDisconnect() => new() { Kind = FaultKinds.ControlDisconnect };

    /// <summary>The callee's sidecars obey the control plane this much late.</summary>
    public static Fault ControlSlow(TimeSpan late) => new() { Kind = FaultKinds.ControlSlow, Delay = late };

    /// <summary>No new stream and no renewal of the callee's sidecars succeeds, until the fault's time is over.</summary>
    public static Fault ControlRefuse() => new() { Kind = FaultKinds.ControlRefuse };
}
