using System.CommandLine;
using System.Globalization;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Tool.Commands;

/// <summary>The options that say which requests a fault is about, and which of them fire.</summary>
internal sealed class FaultWhenOptions
{
    private readonly Option<double> _percent = new("--percent") { Description = "Share of requests, 0 to 100. With 0 the journal shows what would be matched.", DefaultValueFactory = _ => 100 };
    private readonly Option<long> _first = new("--first") { Description = "Only the first n." };
    private readonly Option<long> _every = new("--every") { Description = "Only every n-th." };
    private readonly Option<long> _max = new("--max") { Description = "At most this often." };
    private readonly Option<long> _skip = new("--skip") { Description = "Not the first n; with --first it says from where to where." };
    private readonly Option<long> _ramp = new("--ramp") { Description = "Let the share grow from 0 to --percent over this many requests." };
    private readonly Option<string?> _burst = new("--burst") { Description = "So many out of each so many, for example 3/100." };
    private readonly Option<string?> _path = new("--path") { Description = "Only paths that begin so." };
    private readonly Option<string?> _method = new("--method") { Description = "Only this method." };
    private readonly Option<string[]> _headers = new("--if-header") { Description = "Only requests with this header, 'name: value'; several must all be there." };
    private readonly Option<string[]> _baggage = new("--if-baggage") { Description = "Only requests with this W3C baggage member, name=value." };
    private readonly Option<string?> _grpc = new("--grpc") { Description = "Only this gRPC service, or service/method." };

    public IEnumerable<Option> All => [_percent, _first, _every, _max, _skip, _ramp, _burst, _path, _method, _headers, _baggage, _grpc];

    public FaultActivation Activation(ParseResult parsed, ProblemList problems)
    {
        var (length, period) = (0L, 0L);
        if (parsed.GetValue(_burst) is { } burst)
        {
            var parts = burst.Split('/');
            if (parts.Length != 2 || !Number(parts[0], out length) || !Number(parts[1], out period) || length < 1 || period < length)
                problems.Add(MeshDiagnostics.BadArgument, $"--burst '{burst}' is no share. Write how many out of how many, for example --burst 3/100.");
        }

        return new FaultActivation
        {
            Percent = parsed.GetValue(_percent),
            First = parsed.GetValue(_first),
            EveryNth = parsed.GetValue(_every),
            MaxFires = parsed.GetValue(_max),
            Skip = parsed.GetValue(_skip),
            RampRequests = parsed.GetValue(_ramp),
            BurstLength = length,
            BurstPeriod = period,
        };

        static bool Number(string text, out long value) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Null for every request.</summary>
    public RouteMatch? Match(ParseResult parsed, ProblemList problems)
    {
        var (path, method, grpc) = (parsed.GetValue(_path), parsed.GetValue(_method), parsed.GetValue(_grpc));
        NamedMatch[] headers = [.. (parsed.GetValue(_headers) ?? []).Select(t => Named("--if-header", t, ':', problems))];
        NamedMatch[] baggage = [.. (parsed.GetValue(_baggage) ?? []).Select(t => Named("--if-baggage", t, '=', problems))];
        if (path is null && method is null && grpc is null && headers.Length + baggage.Length == 0) return null;
        var service = grpc?.Split('/', 2);
        return new RouteMatch
        {
            Path = path is null ? null : new StringMatch(StringMatchKind.Prefix, path),
            Methods = method is null ? [] : [method],
            Headers = [.. headers],
            Baggage = [.. baggage],
            GrpcService = service?[0],
            GrpcMethod = service is { Length: 2 } ? service[1] : null,
        };
    }

    private static NamedMatch Named(string option, string text, char between, ProblemList problems)
    {
        var at = text.IndexOf(between, StringComparison.Ordinal);
        if (at <= 0) problems.Add(MeshDiagnostics.BadArgument, $"{option} '{text}' is no name and value. Write for example {option} {(between == ':' ? "'x-tenant: gold'" : "tenant=gold")}.");
        return at <= 0 ? new NamedMatch(text, new StringMatch(StringMatchKind.Exact, "")) : new NamedMatch(text[..at].Trim(), new StringMatch(StringMatchKind.Exact, text[(at + 1)..].Trim()));
    }
}
