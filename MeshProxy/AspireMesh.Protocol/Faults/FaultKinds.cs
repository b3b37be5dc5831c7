using System.Collections.Immutable;

namespace AspireMesh.Protocol.Faults;

/// <summary>The names of the faults a sidecar can execute, grouped by the layer they belong to.</summary>
public static class FaultKinds
{
    /// <summary>HTTP: answer with a status or gRPC code instead of forwarding; breaks opaque connections.</summary>
    public const string Abort = "abort";

    /// <summary>HTTP and TCP: wait before forwarding.</summary>
    public const string Delay = "delay";

    /// <summary>HTTP: answer 429 with Retry-After.</summary>
    public const string RateLimit = "rate-limit";

    /// <summary>HTTP: so many bytes of a body a second.</summary>
    public const string Throttle = "throttle";

    /// <summary>HTTP: a body breaks off.</summary>
    public const string Truncate = "truncate";

    /// <summary>HTTP and TCP: one byte is turned over.</summary>
    public const string Corrupt = "corrupt";

    /// <summary>HTTP: a body comes twice.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>HTTP: another body comes.</summary>
    public const string ReplaceBody = "replace-body";

    /// <summary>HTTP: a JSON body is changed by a merge patch.</summary>
    public const string PatchBody = "patch-body";

    /// <summary>HTTP: the first answer to a GET is given again and again.</summary>
    public const string StaleCache = "stale-cache";

    /// <summary>HTTP: several requests carry one idempotency key.</summary>
    public const string KeyCollision = "key-collision";

    /// <summary>HTTP: the destination gets the request twice.</summary>
    public const string Replay = "replay";

    /// <summary>HTTP: the destination does the work, its answer is lost.</summary>
    public const string DropResponse = "drop-response";

    /// <summary>HTTP: a header is set or taken away.</summary>
    public const string Header = "header";

    /// <summary>HTTP: the response's trailers are lost.</summary>
    public const string LoseTrailers = "lose-trailers";

    /// <summary>Connection: reset it.</summary>
    public const string Reset = "reset";

    /// <summary>Connection: nobody takes it.</summary>
    public const string Refuse = "refuse";

    /// <summary>Connection: nothing arrives and nothing comes back.</summary>
    public const string BlackHole = "black-hole";

    /// <summary>Connection: it is taken, what is sent arrives, and no answer comes.</summary>
    public const string Hang = "hang";

    /// <summary>Connection: one direction ends after so many bytes, in order.</summary>
    public const string HalfClose = "half-close";

    /// <summary>Connection: its end comes late.</summary>
    public const string SlowClose = "slow-close";

    /// <summary>Connection: bytes come in small slices.</summary>
    public const string Slicer = "slicer";

    /// <summary>Connection: it breaks after so many bytes.</summary>
    public const string ByteLimit = "byte-limit";

    /// <summary>Connection: so many bytes a second.</summary>
    public const string Bandwidth = "bandwidth";

    /// <summary>Connection: the sidecar leaves the connections that it has, in order.</summary>
    public const string Drain = "drain";

    /// <summary>Stream: stands still at a message.</summary>
    public const string StreamStall = "stream-stall";

    /// <summary>Stream: ends with a code at a message.</summary>
    public const string StreamClose = "stream-close";

    /// <summary>Stream: loses a message.</summary>
    public const string StreamDrop = "stream-drop";

    /// <summary>Stream: a message comes twice.</summary>
    public const string StreamDuplicate = "stream-duplicate";

    /// <summary>Stream: a message comes after the one that follows it.</summary>
    public const string StreamReorder = "stream-reorder";

    /// <summary>Discovery: the cluster is empty.</summary>
    public const string NoDestinations = "no-destinations";

    /// <summary>Discovery: the destination is no longer where the address says.</summary>
    public const string StaleDestinations = "stale-destinations";

    /// <summary>Discovery: a destination comes and goes.</summary>
    public const string Flapping = "flapping";

    /// <summary>TLS: presents a certificate that has expired.</summary>
    public const string ExpiredCertificate = "expired-certificate";

    /// <summary>TLS: presents a certificate that is not valid yet.</summary>
    public const string FutureCertificate = "future-certificate";

    /// <summary>TLS: presents a certificate of another mesh.</summary>
    public const string WrongTrustDomain = "wrong-trust-domain";

    /// <summary>TLS: presents a certificate with two identities.</summary>
    public const string TwoSans = "two-sans";

    /// <summary>TLS: presents no client certificate.</summary>
    public const string NoCertificate = "no-certificate";

    /// <summary>TLS: speaks TLS 1.2 only.</summary>
    public const string Downgrade = "downgrade";

    /// <summary>TLS: judges certificates by a clock that is wrong.</summary>
    public const string ClockSkew = "clock-skew";

    /// <summary>Control plane: the sidecar's stream breaks and stays away.</summary>
    public const string ControlDisconnect = "control-disconnect";

    /// <summary>Control plane: every message waits.</summary>
    public const string ControlSlow = "control-slow";

    /// <summary>Control plane: no new stream and no renewal succeeds.</summary>
    public const string ControlRefuse = "control-refuse";

    /// <summary>TLS: renews the sidecar's SVID when a request matches.</summary>
    public const string RotateNow = "rotate-now";

    /// <summary>The kinds that act on requests and their bodies.</summary>
    public static ImmutableArray<string> OnHttp { get; } = [Abort, Delay, RateLimit, Throttle, Truncate, Corrupt, Duplicate, ReplaceBody, PatchBody, StaleCache, KeyCollision, Replay, DropResponse, Header, LoseTrailers, RotateNow];

    /// <summary>The kinds that act on connections, and on HTTP requests as if each had one.</summary>
    public static ImmutableArray<string> OnConnection { get; } = [Reset, Refuse, BlackHole, Hang, HalfClose, SlowClose, Slicer, ByteLimit, Bandwidth, Drain];

    /// <summary>The kinds that act on messages of gRPC streams and WebSockets.</summary>
    public static ImmutableArray<string> OnStream { get; } = [StreamStall, StreamClose, StreamDrop, StreamDuplicate, StreamReorder];

    /// <summary>The kinds that act where a destination is chosen.</summary>
    public static ImmutableArray<string> OnDiscovery { get; } = [NoDestinations, StaleDestinations, Flapping];

    /// <summary>The kinds that act on TLS handshakes: between two workloads, never on one endpoint.</summary>
    public static ImmutableArray<string> OnTls { get; } = [ExpiredCertificate, FutureCertificate, WrongTrustDomain, TwoSans, NoCertificate, Downgrade, ClockSkew];

    /// <summary>The kinds that act between a sidecar and the control plane; they are about the sidecars of the callee.</summary>
    public static ImmutableArray<string> OnControl { get; } = [ControlDisconnect, ControlSlow, ControlRefuse];

    /// <summary>All kinds that this build knows.</summary>
    public static ImmutableArray<string> All { get; } = [.. OnHttp, .. OnConnection, .. OnStream, .. OnDiscovery, .. OnTls, .. OnControl];
}
