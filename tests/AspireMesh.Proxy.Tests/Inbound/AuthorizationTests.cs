using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound.Authorization;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Inbound;

public class AuthorizationTests
{
    private static readonly CallerIdentity s_web = CallerIdentity.FromId("spiffe://t/ns/default/sa/web");
    private static readonly CallerIdentity s_jobs = CallerIdentity.FromId("spiffe://t/ns/default/sa/jobs");
    private static readonly AuthorizationRule s_allowWeb = new() { Name = "web", Callers = ["spiffe://t/ns/default/sa/web"] };

    [Fact]
    public void No_rules_refuse_everyone() => Assert.Equal(new AuthorizationDecision(false, AuthorizationRules.NoRule, null), Judge([], s_web));

    [Fact]
    public void Who_is_allowed_comes_in_and_who_is_not_is_refused()
    {
        Assert.Equal(new AuthorizationDecision(true, "web", null), Judge([s_allowWeb], s_web));
        Assert.Equal(new AuthorizationDecision(false, "none", null), Judge([s_allowWeb], s_jobs));
    }

    [Fact]
    public void Deny_wins_over_allow_whatever_the_order()
    {
        var deny = new AuthorizationRule { Name = "no deletes", Action = AuthorizationAction.Deny, Requests = [new RouteMatch { Methods = ["DELETE"] }] };
        Assert.Equal(new AuthorizationDecision(false, "no deletes", null), Judge([s_allowWeb, deny], s_web, "DELETE"));
        Assert.True(Judge([s_allowWeb, deny], s_web).Allowed);
    }

    [Fact]
    public void Audit_lets_through_and_says_what_it_would_have_refused()
    {
        var audit = new AuthorizationRule { Name = "watch", Action = AuthorizationAction.Audit };
        Assert.Equal(new AuthorizationDecision(true, "web", "watch"), Judge([audit, s_allowWeb], s_web));
        Assert.Equal(new AuthorizationDecision(true, "none", "none"), Judge([s_allowWeb], s_jobs, auditOnly: true));
    }

    [Fact]
    public void Rules_of_another_endpoint_do_not_count() =>
        Assert.False(Judge([s_allowWeb with { Endpoints = ["admin"] }], s_web).Allowed);

    [Fact]
    public void No_callers_means_any_that_is_authenticated()
    {
        var any = new AuthorizationRule { Name = "any" };
        Assert.True(Judge([any], s_jobs).Allowed);
        Assert.False(Judge([any], CallerIdentity.Unknown).Allowed);
    }

    [Fact]
    public void Claims_must_all_match_and_no_token_matches_none()
    {
        var rule = s_allowWeb with { Claims = [new("role", new(StringMatchKind.Exact, "admin"))] };
        Assert.False(Judge([rule], s_web).Allowed);
        Assert.True(Judge([rule], s_web, claims: new Dictionary<string, IReadOnlyList<string>> { ["role"] = ["user", "admin"] }).Allowed);
        Assert.False(Judge([rule], s_web, claims: new Dictionary<string, IReadOnlyList<string>> { ["role"] = ["user"] }).Allowed);
    }

    [Fact]
    public void On_an_opaque_connection_rules_that_need_requests_never_open_and_their_denials_close()
    {
        var allowGets = s_allowWeb with { Requests = [new RouteMatch { Methods = ["GET"] }] };
        var denyDeletes = new AuthorizationRule { Name = "no deletes", Action = AuthorizationAction.Deny, Requests = [new RouteMatch { Methods = ["DELETE"] }] };
        Assert.False(new AuthorizationRules([allowGets], "tcp", false).JudgeConnection(s_web, requestsFollow: false).Allowed);
        Assert.True(new AuthorizationRules([allowGets], "tcp", false).JudgeConnection(s_web, requestsFollow: true).Allowed);
        Assert.False(new AuthorizationRules([s_allowWeb, denyDeletes], "tcp", false).JudgeConnection(s_web, requestsFollow: false).Allowed);
        Assert.True(new AuthorizationRules([s_allowWeb, denyDeletes], "tcp", false).JudgeConnection(s_web, requestsFollow: true).Allowed);
    }

    private static AuthorizationDecision Judge(
        AuthorizationRule[] rules, CallerIdentity caller, string method = "GET", bool auditOnly = false, IReadOnlyDictionary<string, IReadOnlyList<string>>? claims = null)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        return new AuthorizationRules([.. rules], "http", auditOnly).Judge(context, caller, claims);
    }
}
