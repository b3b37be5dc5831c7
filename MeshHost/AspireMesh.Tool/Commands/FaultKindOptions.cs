using System.CommandLine;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Tool.Commands;

/// <summary>The options that say what a fault does: one for each kind, exactly one of which is given, and a few that go with several.</summary>
internal sealed class FaultKindOptions
{
    private readonly List<(Option Option, Func<ParseResult, ProblemList, Fault?> Read)> _kinds = [];
    private readonly Option<string?> _jitter = new("--jitter") { Description = "Half-width of a uniform spread around --delay." };
    private readonly Option<string?> _direction = new("--direction") { Description = "Which way bytes are acted on: response (default), request or both." };
    private readonly Option<int> _code = new("--code") { Description = "The close code of --stream-close: a WebSocket's (default 1011) or gRPC's (default 14)." };
    private readonly Option<string?> _name = new("--name") { Description = "The destination of --flapping, or the reason of --stream-close." };
    private readonly Option<string?> _pause = new("--pause") { Description = "Between the slices of --slicer, the length of --stream-stall, or the time before --reset or --black-hole breaks the connection." };

    public FaultKindOptions()
    {
        AddAbort();
        AddHttp();
        AddConnections();
        AddStreams();
        AddDiscovery();
        AddTls();
        AddControl();
    }

    public IEnumerable<Option> All => [.. _kinds.Select(k => k.Option), _jitter, _direction, _code, _name, _pause];

    /// <summary>The fault that was typed; what is wrong goes to the problems.</summary>
    public Fault Read(ParseResult parsed, ProblemList problems)
    {
        var given = _kinds.Where(k => parsed.GetResult(k.Option) is { Implicit: false }).ToArray();
        // --abort and --abort-grpc together are one fault with both codes.
        if (given.Length == 0 || given.Skip(1).Any(k => k.Option.Name != "--abort-grpc" || given[0].Option.Name != "--abort"))
        {
            problems.Add(MeshDiagnostics.BadArgument, "A fault is exactly one of --abort STATUS (or --abort-grpc CODE), --delay TIME, --reset and the other kinds of: aspiremesh faults add --help. Type for example: aspiremesh faults add --to api --abort 503");
        }

        var fault = given.Length == 0 ? null : given[0].Read(parsed, problems);
        if (fault is null) return new Fault { Kind = FaultKinds.Abort, Status = 503 };
        return parsed.GetValue(_direction) is { } direction ? fault with { Direction = direction } : fault;
    }

    private void AddAbort()
    {
        var abort = new Option<int>("--abort") { Description = "Answer with this HTTP status instead of forwarding." };
        var grpc = new Option<int?>("--abort-grpc") { Description = "Answer with this gRPC code instead of forwarding." };
        _kinds.Add((abort, (parsed, _) => Abort(parsed)));
        _kinds.Add((grpc, (parsed, _) => Abort(parsed)));

        Fault Abort(ParseResult parsed) => new() { Kind = FaultKinds.Abort, Status = parsed.GetValue(abort), GrpcStatus = parsed.GetValue(grpc) ?? -1 };
    }

    private void AddHttp()
    {
        Time("--delay", "Wait this long before forwarding, for example 300ms.", (parsed, problems, time) =>
        {
            var jitter = parsed.GetValue(_jitter) is { } text ? ReadTime("--jitter", text, problems) : null;
            return new Fault { Kind = FaultKinds.Delay, Delay = time, Jitter = jitter ?? TimeSpan.Zero, Distribution = jitter is null ? "fixed" : "uniform" };
        });
        Time("--rate-limit", "Answer 429 with this Retry-After.", (_, _, time) => new Fault { Kind = FaultKinds.RateLimit, Delay = time });
        Size("--throttle", "So many bytes of a body a second, for example 10KB.", size => new Fault { Kind = FaultKinds.Throttle, BytesPerSecond = size });
        Size("--truncate", "Break a body off after so many bytes.", size => new Fault { Kind = FaultKinds.Truncate, Bytes = size });
        Size("--corrupt", "Turn over the byte at this offset.", size => new Fault { Kind = FaultKinds.Corrupt, Bytes = size });
        Flag(FaultKinds.Duplicate, "Send a body twice over.");
        Text("--replace-body", "Put this body in the place of what was sent.", text => new Fault { Kind = FaultKinds.ReplaceBody, Value = text });
        Text("--patch-body", "Change a JSON body by this merge patch, for example '{\"price\":0}'.", text => new Fault { Kind = FaultKinds.PatchBody, Value = text });
        Flag(FaultKinds.StaleCache, "Give the first answer to a GET again and again.");
        Text("--key-collision", "Let requests carry the first one's value of this header, for example Idempotency-Key.", text => new Fault { Kind = FaultKinds.KeyCollision, Name = text });
        Flag(FaultKinds.Replay, "Send the request twice.");
        Flag(FaultKinds.DropResponse, "Let the work be done and lose the answer.");
        Text("--header", "Set a header, 'name: value', or take it away, 'name'.", text =>
        {
            var colon = text.IndexOf(':');
            return new Fault { Kind = FaultKinds.Header, Name = colon < 0 ? text.Trim() : text[..colon].Trim(), Value = colon < 0 ? null : text[(colon + 1)..].Trim() };
        });
        Flag(FaultKinds.LoseTrailers, "Lose the response's trailers, for gRPC its status.");
    }

    private void AddConnections()
    {
        Paused(FaultKinds.Reset, "Reset the connection, after --pause.");
        Flag(FaultKinds.Refuse, "Let nobody take the connection.");
        Paused(FaultKinds.BlackHole, "Let nothing arrive and nothing come back, until the connection breaks after --pause.");
        Flag(FaultKinds.Hang, "Take what is sent and never answer.");
        Size("--half-close", "End one direction in order after so many bytes.", size => new Fault { Kind = FaultKinds.HalfClose, Bytes = size });
        Time("--slow-close", "Let the end come this much later.", (_, _, time) => new Fault { Kind = FaultKinds.SlowClose, Delay = time });
        _kinds.Add(Option("--slicer", "Slices of so many bytes.", (parsed, problems, text) =>
        {
            var pause = parsed.GetValue(_pause) is { } typed ? ReadTime("--pause", typed, problems) : null;
            return ReadSize("--slicer", text, problems) is { } size ? new Fault { Kind = FaultKinds.Slicer, Bytes = size, Delay = pause ?? TimeSpan.Zero } : null;
        }));
        Size("--byte-limit", "Break the connection after so many bytes.", size => new Fault { Kind = FaultKinds.ByteLimit, Bytes = size });
        Flag(FaultKinds.Drain, "Leave the connections of the sidecar, in order.");
        Size("--bandwidth", "So many bytes a second, for example 10KB.", size => new Fault { Kind = FaultKinds.Bandwidth, BytesPerSecond = size });
    }

    private void AddStreams()
    {
        Message("--stream-stall", "Stand still at this message of a gRPC stream or WebSocket.", (parsed, problems, n) =>
            new Fault { Kind = FaultKinds.StreamStall, Message = n, Delay = parsed.GetValue(_pause) is { } typed ? ReadTime("--pause", typed, problems) ?? TimeSpan.Zero : TimeSpan.Zero });
        Message("--stream-close", "End the stream with --code at this message.", (parsed, _, n) => new Fault { Kind = FaultKinds.StreamClose, Message = n, Code = parsed.GetValue(_code), Name = parsed.GetValue(_name) });
        Message("--stream-drop", "Lose this message.", (_, _, n) => new Fault { Kind = FaultKinds.StreamDrop, Message = n });
        Message("--stream-duplicate", "Let this message come twice.", (_, _, n) => new Fault { Kind = FaultKinds.StreamDuplicate, Message = n });
        Message("--stream-reorder", "Let this message come after the next.", (_, _, n) => new Fault { Kind = FaultKinds.StreamReorder, Message = n });
    }

    private void AddDiscovery()
    {
        Flag(FaultKinds.NoDestinations, "Let the callee have no destination.");
        Text("--stale-destinations", "Let discovery give this address, host:port, where the destination no longer is.", text => new Fault { Kind = FaultKinds.StaleDestinations, Value = text });
        _kinds.Add(Option("--flapping", "Let the destination --name (all without it) come and go with this period.", (parsed, problems, text) =>
            ReadTime("--flapping", text, problems) is { } time ? new Fault { Kind = FaultKinds.Flapping, Delay = time, Name = parsed.GetValue(_name) } : null));
    }

    private void AddTls()
    {
        Flag(FaultKinds.ExpiredCertificate, "Present an expired certificate.");
        Flag(FaultKinds.FutureCertificate, "Present a certificate that is not valid yet.");
        Flag(FaultKinds.WrongTrustDomain, "Present a certificate of another trust domain.");
        Flag(FaultKinds.TwoSans, "Present a certificate with two identities.");
        Flag(FaultKinds.NoCertificate, "Present no client certificate.");
        Flag(FaultKinds.Downgrade, "Speak TLS 1.2 only.");
        Time("--clock-skew", "Judge certificates by a clock that is so far ahead.", (_, _, time) => new Fault { Kind = FaultKinds.ClockSkew, Delay = time });
        Flag(FaultKinds.RotateNow, "Renew the SVID when a request matches.");
    }

    private void AddControl()
    {
        Flag(FaultKinds.ControlDisconnect, "Keep the callee's sidecars away from the control plane; needs --ttl.");
        Time("--control-slow", "Let the callee's sidecars obey the control plane this much later.", (_, _, time) => new Fault { Kind = FaultKinds.ControlSlow, Delay = time });
        Flag(FaultKinds.ControlRefuse, "Refuse new streams and renewals of the callee's sidecars; needs --ttl.");
    }

    private void Flag(string kind, string description) => _kinds.Add((new Option<bool>($"--{kind}") { Description = description }, (_, _) => new Fault { Kind = kind }));

    private void Paused(string kind, string description) => _kinds.Add((new Option<bool>($"--{kind}") { Description = description }, (parsed, problems) =>
        new Fault { Kind = kind, Delay = parsed.GetValue(_pause) is { } typed ? ReadTime("--pause", typed, problems) ?? TimeSpan.Zero : TimeSpan.Zero }));

    private void Text(string name, string description, Func<string, Fault> make) => _kinds.Add(Option(name, description, (_, _, text) => make(text)));

    private void Time(string name, string description, Func<ParseResult, ProblemList, TimeSpan, Fault> make) =>
        _kinds.Add(Option(name, description, (parsed, problems, text) => ReadTime(name, text, problems) is { } time ? make(parsed, problems, time) : null));

    private void Size(string name, string description, Func<long, Fault> make) =>
        _kinds.Add(Option(name, description, (_, problems, text) => ReadSize(name, text, problems) is { } size ? make(size) : null));

    private void Message(string name, string description, Func<ParseResult, ProblemList, long, Fault> make)
    {
        var option = new Option<long>(name) { Description = description };
        _kinds.Add((option, (parsed, problems) => make(parsed, problems, parsed.GetValue(option))));
    }

    private static (Option, Func<ParseResult, ProblemList, Fault?>) Option(string name, string description, Func<ParseResult, ProblemList, string, Fault?> read)
    {
        var option = new Option<string?>(name) { Description = description };
        return (option, (parsed, problems) => parsed.GetValue(option) is { } text ? read(parsed, problems, text) : null);
    }

    private static TimeSpan? ReadTime(string option, string text, ProblemList problems)
    {
        if (DurationText.TryParse(text, out var time)) return time;
        problems.Add(MeshDiagnostics.BadArgument, $"{option} '{text}' is no time. Write a number with ms, s, m or h, for example {option} 300ms.");
        return null;
    }

    private static long? ReadSize(string option, string text, ProblemList problems)
    {
        if (SizeText.TryParse(text, out var size)) return size;
        problems.Add(MeshDiagnostics.BadArgument, $"{option} '{text}' is no number of bytes. Write a number, or one with KB or MB, for example {option} 10KB.");
        return null;
    }
}
