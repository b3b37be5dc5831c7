using System.Collections.Immutable;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Inbound.Authorization;

/// <summary>What the rules say about one request or connection, and which rule said it.</summary>
/// <param name="Allowed">Whether it may go on.</param>
/// <param name="Rule">The rule that decided; <see cref="AuthorizationRules.NoRule"/> when none allowed it.</param>
/// <param name="Audited">The rule that would have refused it, were it not for audit; null otherwise.</param>
internal readonly record struct AuthorizationDecision(bool Allowed, string Rule, string? Audited);

/// <summary>
/// The rules of one inbound endpoint: Deny first, then Allow, then refused; no rules refuse everyone. Audit rules and audit mode let through and say what
/// they would have refused. Nothing here ever fails open: a rule that cannot be judged on a plain connection (it needs requests) neither allows it nor is
/// skipped as a denial.
/// A permissive endpoint also takes callers without a certificate. The allow-list of who may connect is not asked for them, that is what permissive means; every other
/// rule is: a Deny holds for them whomever it names, for they may be the one, and an Allow that says what someone may do demands to know who it is.
/// </summary>
internal sealed class AuthorizationRules
{
    /// <summary>The name under which "no rule allowed it" is counted.</summary>
    public const string NoRule = "none";

    /// <summary>The name under which a caller without a certificate passes.</summary>
    public const string PermissiveRule = "permissive";

    private readonly Rule[] _deny;
    private readonly Rule[] _allow;
    private readonly Rule[] _audit;
    private readonly bool _auditOnly;
    private readonly bool _takesPlaintext;

    /// <param name="rules">All of the endpoint's.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="auditOnly">Whether refusals are only told.</param>
    /// <param name="permissive">Whether callers without a certificate are taken.</param>
    public AuthorizationRules(ImmutableArray<AuthorizationRule> rules, string endpoint, bool auditOnly, bool permissive = false)
    {
        var here = rules.Where(r => r.Endpoints.IsEmpty || r.Endpoints.Contains(endpoint)).Select(r => new Rule(r)).ToArray();
        _deny = [.. here.Where(r => r.Source.Action == AuthorizationAction.Deny)];
        _allow = [.. here.Where(r => r.Source.Action == AuthorizationAction.Allow)];
        _audit = [.. here.Where(r => r.Source.Action == AuthorizationAction.Audit)];
        _auditOnly = auditOnly;
        _takesPlaintext = permissive && !_allow.Any(r => r.Source.NeedsRequest);
    }

    /// <summary>Whether a rule reads more of a request than who sent it.</summary>
    public bool NeedRequests => _deny.Concat(_allow).Concat(_audit).Any(r => r.Source.NeedsRequest);

    /// <summary>Judges a request.</summary>
    public AuthorizationDecision Judge(HttpContext context, CallerIdentity caller, IReadOnlyDictionary<string, IReadOnlyList<string>>? claims)
    {
        string? audited = null;
        foreach (var rule in _audit)
            if (rule.MayBeAbout(caller) && rule.MatchesRequest(context, caller, claims)) audited = rule.Source.Name;
        foreach (var rule in _deny)
            if (rule.MayBeAbout(caller) && rule.MatchesRequest(context, caller, claims)) return Refuse(rule.Source.Name, audited);
        foreach (var rule in _allow)
            if (rule.MatchesCaller(caller) && rule.MatchesRequest(context, caller, claims)) return new AuthorizationDecision(true, rule.Source.Name, audited);
        return Otherwise(caller, audited);
    }

    /// <summary>
    /// Judges a connection before any request is read. A Deny that needs requests refuses only when there will be none to judge (an opaque endpoint),
    /// an Allow that needs requests lets the connection through when its requests will be judged.
    /// </summary>
    public AuthorizationDecision JudgeConnection(CallerIdentity caller, bool requestsFollow)
    {
        string? audited = null;
        foreach (var rule in _audit)
            if (rule.MayBeAbout(caller) && !rule.Source.NeedsRequest) audited = rule.Source.Name;
        foreach (var rule in _deny)
            if (rule.MayBeAbout(caller) && (!rule.Source.NeedsRequest || !requestsFollow)) return Refuse(rule.Source.Name, audited);
        foreach (var rule in _allow)
            if (rule.MatchesCaller(caller) && (!rule.Source.NeedsRequest || requestsFollow)) return new AuthorizationDecision(true, rule.Source.Name, audited);
        return Otherwise(caller, audited);
    }

    private AuthorizationDecision Otherwise(CallerIdentity caller, string? audited) =>
        _takesPlaintext && caller.Id is null ? new AuthorizationDecision(true, PermissiveRule, audited) : Refuse(NoRule, audited);

    private AuthorizationDecision Refuse(string rule, string? audited) =>
        _auditOnly ? new AuthorizationDecision(true, rule, rule) : new AuthorizationDecision(false, rule, audited);

    private sealed class Rule(AuthorizationRule source)
    {
        private readonly RequestMatcher[] _requests = RequestMatcher.CompileAll(source.Requests);
        private readonly (string Name, TextMatcher Value)[] _claims = [.. source.Claims.Select(c => (c.Name, TextMatcher.ForValue(c.Match)))];

        public AuthorizationRule Source { get; } = source;

        public bool MatchesCaller(CallerIdentity caller) => Source.Callers.IsEmpty ? caller.Id is not null : Source.Callers.Any(caller.Is);

        /// <summary>As above, and true of a caller of whom nothing is known.</summary>
        public bool MayBeAbout(CallerIdentity caller) => caller.Id is null || MatchesCaller(caller);

        public bool MatchesRequest(HttpContext context, CallerIdentity caller, IReadOnlyDictionary<string, IReadOnlyList<string>>? claims)
        {
            if (_requests.Length > 0 && !_requests.Any(r => r.Matches(context.Request, caller))) return false;
            foreach (var (name, value) in _claims)
                if (claims is null || !claims.TryGetValue(name, out var values) || !values.Any(value.Matches)) return false;
            return true;
        }
    }
}
