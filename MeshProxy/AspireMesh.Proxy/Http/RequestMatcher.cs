using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace AspireMesh.Proxy.Http;

/// <summary>A compiled <see cref="RouteMatch"/>: every part that is set must hold. Paths are compared decoded and without dot segments, as Kestrel gives them.</summary>
internal sealed class RequestMatcher
{
    private readonly RouteMatch _match;
    private readonly TextMatcher? _path;
    private readonly TextMatcher? _host;
    private readonly NamedMatcher[] _headers;
    private readonly NamedMatcher[] _query;
    private readonly NamedMatcher[] _baggage;

    public RequestMatcher(RouteMatch match)
    {
        _match = match;
        _path = TextMatcher.ForPath(match.Path);
        _host = TextMatcher.ForHost(match.Host);
        _headers = Compile(match.Headers);
        _query = Compile(match.Query);
        _baggage = Compile(match.Baggage);
    }

    /// <summary>The path prefix this matches on, for rewrites that replace it.</summary>
    public string? PathPrefix => _path?.Prefix;

    public static RequestMatcher[] CompileAll(ImmutableArray<RouteMatch> matches) => [.. matches.Select(m => new RequestMatcher(m))];

    public bool Matches(HttpRequest request, CallerIdentity caller) => Matches(request, caller, request.Method);

    /// <summary>As above, with a method in place of the request's own.</summary>
    public bool Matches(HttpRequest request, CallerIdentity caller, string method)
    {
        if (_path is not null && !_path.Matches(request.Path.Value)) return false;
        if (_host is not null && !_host.Matches(request.Host.Host)) return false;
        if (_match.Methods.Length > 0 && !_match.Methods.Contains(method)) return false;
        if (_match.Callers.Length > 0 && !_match.Callers.Any(caller.Is)) return false;
        if ((_match.GrpcService ?? _match.GrpcMethod) is not null && !MatchesGrpc(request.Path.Value)) return false;
        foreach (var header in _headers)
            if (!request.Headers.TryGetValue(header.Name, out var values) || !AnyMatches(values, header.Value)) return false;
        foreach (var parameter in _query)
            if (!QueryMatches(request.QueryString.Value, parameter)) return false;
        foreach (var member in _baggage)
            if (!member.Value.Matches(BaggageReader.Find(request.Headers["baggage"], member.Name))) return false;
        return true;
    }

    private bool MatchesGrpc(string? path)
    {
        if (path is null || path.Length < 2 || path[0] != '/') return false;
        var slash = path.IndexOf('/', 1);
        if (slash < 0 || path.IndexOf('/', slash + 1) >= 0) return false;
        var service = path.AsSpan(1, slash - 1);
        var method = path.AsSpan(slash + 1);
        return (_match.GrpcService is null || service.SequenceEqual(_match.GrpcService)) && (_match.GrpcMethod is null || method.SequenceEqual(_match.GrpcMethod));
    }

    /// <summary>ASP.NET Core's own collection compares names without case; in a URL case counts (RFC 3986 6.2.2.1).</summary>
    private static bool QueryMatches(string? query, NamedMatcher parameter)
    {
        foreach (var pair in new QueryStringEnumerable(query))
            if (pair.DecodeName().Span.SequenceEqual(parameter.Name) && parameter.Value.Matches(pair.DecodeValue().ToString())) return true;
        return false;
    }

    private static bool AnyMatches(StringValues values, TextMatcher matcher)
    {
        if (values.Count == 1) return matcher.Matches(values[0]);
        foreach (var value in values)
            if (matcher.Matches(value)) return true;
        // RFC 9110 5.3: several lines of one field mean the same as one line with commas.
        return values.Count > 1 && matcher.Matches(string.Join(", ", values.ToArray()));
    }

    private static NamedMatcher[] Compile(ImmutableArray<NamedMatch> matches) => [.. matches.Select(m => new NamedMatcher(m.Name, TextMatcher.ForValue(m.Match)))];

    private readonly record struct NamedMatcher(string Name, TextMatcher Value);
}
