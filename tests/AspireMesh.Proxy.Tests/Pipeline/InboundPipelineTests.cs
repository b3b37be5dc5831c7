using System.Net;
using System.Security.Cryptography;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.TestKit;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AspireMesh.Proxy.Tests.Pipeline;

public class InboundPipelineTests
{
    private static readonly RequestDelegate s_hello = c => c.Response.WriteAsync("hello");

    [Fact]
    public async Task A_rule_on_methods_and_paths_lets_in_what_it_names_and_the_refusal_names_the_rule()
    {
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions().WithInbound(e => e with
        {
            Authorization =
            [
                e.Authorization[0] with { Requests = [new RouteMatch { Methods = ["GET"] }] },
                new AuthorizationRule { Name = "no admin", Action = AuthorizationAction.Deny, Requests = [new RouteMatch { Path = new(StringMatchKind.Prefix, "/admin") }] },
            ],
        }));
        Assert.Equal("hello", await pair.Client.GetStringAsync("items"));
        using var post = await pair.Client.PostAsync("items", new StringContent("x"));
        Assert.Equal(HttpStatusCode.Forbidden, post.StatusCode);
        Assert.StartsWith("UAEX;", Assert.Single(post.Headers.GetValues("x-mesh-error")));
        foreach (var path in new[] { "admin", "admin/x", "%61dmin", "x/../admin", "x/%2e%2e/admin" })
        {
            using var admin = await pair.Client.SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(pair.Pair.OutboundUri + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })));
            Assert.Equal(HttpStatusCode.Forbidden, admin.StatusCode);
        }

        Assert.Single(pair.App.Requests);
        Assert.Equal(["none", "no admin"], pair.Pair.CalleeEvents.Refusals.Where(r => r.Reason == RefusalReason.Denied).Select(r => r.Rule!).Distinct());
    }

    [Fact]
    public async Task Audit_mode_lets_through_and_says_what_it_would_have_refused()
    {
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions().WithInbound(e => e with
        {
            AuditOnly = true, Authorization = [e.Authorization[0] with { Requests = [new RouteMatch { Methods = ["GET"] }] }],
        }));
        using var post = await pair.Client.PostAsync("", new StringContent("x"));
        Assert.Equal(HttpStatusCode.OK, post.StatusCode);
        Assert.Equal("none", Assert.Single(pair.Pair.CalleeEvents.Audits).Rule);
    }

    [Fact]
    public async Task A_token_is_checked_for_signature_issuer_audience_and_lifetime_and_claims_decide()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signing = new ECDsaSecurityKey(key) { KeyId = "k1" };
        var jwk = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(ECDsa.Create(key.ExportParameters(false))) { KeyId = "k1" });
        var jwks = $$"""{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"{{jwk.X}}","y":"{{jwk.Y}}"}]}""";
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions().WithInbound(e => e with
        {
            Jwt = new JwtPolicy { Issuer = "https://issuer", Audiences = ["shop"], Jwks = jwks },
            Authorization = [e.Authorization[0] with { Claims = [new("role", new(StringMatchKind.Exact, "buyer"))] }],
        }));
        string Token(string issuer = "https://issuer", string audience = "shop", string role = "buyer", int minutes = 5, SecurityKey? by = null, string? algorithm = null) =>
            new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
            {
                Issuer = issuer, Audience = audience, Expires = DateTime.UtcNow.AddMinutes(minutes), Claims = new Dictionary<string, object> { ["role"] = role },
                SigningCredentials = new SigningCredentials(by ?? signing, algorithm ?? SecurityAlgorithms.EcdsaSha256),
            });
        async Task<int> GetAsync(string? token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "");
            if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            using var response = await pair.Client.SendAsync(request);
            return (int)response.StatusCode;
        }

        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal(200, await GetAsync(Token()));
        Assert.Equal(401, await GetAsync(null));
        Assert.Equal(401, await GetAsync("rubbish"));
        Assert.Equal(401, await GetAsync(Token(issuer: "https://other")));
        Assert.Equal(401, await GetAsync(Token(audience: "other")));
        Assert.Equal(401, await GetAsync(Token(minutes: -5)));
        Assert.Equal(401, await GetAsync(Token(by: new ECDsaSecurityKey(other) { KeyId = "k1" })));
        Assert.Equal(401, await GetAsync(Token(by: new SymmetricSecurityKey(new byte[32]) { KeyId = "k1" }, algorithm: SecurityAlgorithms.HmacSha256)));
        Assert.Equal(401, await GetAsync("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3VlciIsInJvbGUiOiJidXllciJ9."));
        Assert.Equal(403, await GetAsync(Token(role: "visitor")));
        Assert.Single(pair.App.Requests);
    }

    [Fact]
    public async Task Keys_are_fetched_and_an_unknown_key_id_fetches_again()
    {
        using var old = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var next = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var published = new List<(string Kid, ECDsa Key)> { ("old", old) };
        await using var issuer = await TestApp.StartAsync(c => c.Response.WriteAsync($$"""{"keys":[{{string.Join(',', published.Select(k => Jwk(k.Kid, k.Key)))}}]}"""));
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions { Time = time }.WithInbound(e => e with { Jwt = new JwtPolicy { Issuer = "i", JwksUri = $"http://{issuer.Address}/jwks" } }));
        async Task<int> GetAsync(string kid, ECDsa key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "");
            var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor { Issuer = "i", Expires = DateTime.UtcNow.AddHours(1), SigningCredentials = new(new ECDsaSecurityKey(key) { KeyId = kid }, SecurityAlgorithms.EcdsaSha256) });
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            using var response = await pair.Client.SendAsync(request);
            return (int)response.StatusCode;
        }

        Assert.Equal(200, await GetAsync("old", old));
        Assert.Equal(200, await GetAsync("old", old));
        Assert.Single(issuer.Requests);
        published.Add(("next", next));
        Assert.Equal(401, await GetAsync("next", next));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(200, await GetAsync("next", next));
        Assert.Equal(2, issuer.Requests.Count);
    }

    [Fact]
    public async Task A_rate_limit_answers_429_with_retry_after()
    {
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions().WithInbound(e => e with { RateLimits = [new RateLimitPolicy { Name = "slow", PerSecond = 0.01, Burst = 2 }] }));
        Assert.Equal("hello", await pair.Client.GetStringAsync(""));
        Assert.Equal("hello", await pair.Client.GetStringAsync(""));
        using var third = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.InRange(third.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 90, 100);
        Assert.Equal("slow", pair.Pair.CalleeEvents.Refusals.Single().Rule);
    }

    [Fact]
    public async Task A_fault_aborts_what_it_matches_and_stops_with_the_snapshot_that_had_it()
    {
        var rule = new FaultRule { Id = "f", From = "web", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 418 }, Match = new RouteMatch { Path = new(StringMatchKind.Prefix, "/tea") } };
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions { Caller = s => s with { Faults = [rule] } });
        using var tea = await pair.Client.GetAsync("tea");
        Assert.Equal(418, (int)tea.StatusCode);
        Assert.Equal("hello", await pair.Client.GetStringAsync("coffee"));
        Assert.Equal("f", Assert.Single(pair.Pair.CallerEvents.Faults));
        await pair.Pair.ApplyCallerAsync(pair.Pair.CallerSnapshot with { Faults = [] });
        Assert.Equal("hello", await pair.Client.GetStringAsync("tea"));
    }

    [Fact]
    public async Task An_abort_of_half_the_requests_is_what_the_retries_are_tested_with()
    {
        var rule = new FaultRule { Id = "f", To = "api", Fault = new Fault { Kind = FaultKinds.Reset }, Activation = new FaultActivation { EveryNth = 2 } };
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions { Caller = s => s with { Faults = [rule] } }.WithRetry());
        for (var i = 0; i < 10; i++) Assert.Equal("hello", await pair.Client.GetStringAsync(""));
        Assert.NotEmpty(pair.Pair.CallerEvents.Faults);
    }

    [Fact]
    public async Task A_fault_on_the_inbound_side_answers_in_place_of_the_app()
    {
        var rule = new FaultRule { Id = "in", From = "web", Side = FaultSide.Inbound, Fault = new Fault { Kind = FaultKinds.Abort, Status = 500 } };
        await using var pair = await HttpPair.StartAsync(s_hello, new HttpPairOptions { Callee = s => s with { Faults = [rule] } }.WithInbound(e => e));
        using var response = await pair.Client.GetAsync("");
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Empty(pair.App.Requests);
    }

    [Fact]
    public async Task Every_policy_value_out_of_range_is_refused_at_once_and_the_old_snapshot_stays()
    {
        await using var pair = await HttpPair.StartAsync(s_hello);
        var snapshot = pair.Pair.CallerSnapshot;
        var errors = await pair.Pair.Caller.Snapshots.ApplyAsync(
            snapshot with
            {
                Version = 99,
                Clusters = [snapshot.Clusters[0] with { LoadBalancing = new() { HashBoundedLoad = 0.5 }, OutlierDetection = new() { MaxEjectedPercent = 150 } }],
                Outbound =
                [
                    snapshot.Outbound[0] with
                    {
                        Routes = [snapshot.Outbound[0].Routes[0] with { Retry = new RetryPolicy { MaxRetries = 50, BudgetRatio = -1 }, Matches = [new RouteMatch { Path = new(StringMatchKind.Regex, "(") }] }],
                    },
                ],
            },
            default);
        Assert.Equal(5, errors.Count);
        Assert.Equal("hello", await pair.Client.GetStringAsync(""));
    }

    [Fact]
    public async Task Whatever_value_of_whatever_policy_lies_outside_its_range_the_snapshot_is_refused_and_the_old_one_stays()
    {
        await using var pair = await HttpPair.StartAsync(s_hello);
        var now = pair.Pair.CallerSnapshot;
        var full = now with
        {
            Version = 99,
            Inbound = now.Inbound with
            {
                Endpoints = [new InboundEndpoint { Name = "own", Authorization = [FullPolicies.Rule], Jwt = FullPolicies.Jwt, RateLimits = [FullPolicies.RateLimit], LoadShedding = FullPolicies.LoadShedding }],
            },
            Outbound =
            [
                now.Outbound[0] with
                {
                    Limits = FullPolicies.Limits,
                    Timeouts = FullPolicies.Timeouts,
                    Routes =
                    [
                        new RouteSnapshot { Name = "moved", Matches = [FullPolicies.Match], Redirect = FullPolicies.Redirect, ResponseHeaders = FullPolicies.Edits },
                        new RouteSnapshot
                        {
                            Name = "all", Matches = [FullPolicies.Match], Clusters = [new ClusterWeight("api.http", 1)], Cors = FullPolicies.Cors, RequestHeaders = FullPolicies.Edits,
                            Mirror = new MirrorTarget("api.http", 1), Timeouts = FullPolicies.Timeouts, Retry = FullPolicies.Retry, Hedging = FullPolicies.Hedging,
                        },
                    ],
                },
            ],
            Egress = new EgressListener { Listen = "127.0.0.1:0", Mode = EgressMode.Refuse, Destinations = [new EgressDestination { Host = "a.test", Port = 443, Listener = now.Outbound[0].Name, Cluster = "api.http" }] },
            Clusters =
            [
                now.Clusters[0] with
                {
                    LoadBalancing = FullPolicies.LoadBalancing, HealthCheck = FullPolicies.HealthCheck, OutlierDetection = FullPolicies.OutlierDetection, CircuitBreaker = FullPolicies.CircuitBreaker,
                },
            ],
            Gateways =
            [
                new GatewayListener
                {
                    Name = "front", Listen = "127.0.0.1:0", Jwt = FullPolicies.Jwt, RateLimits = [FullPolicies.RateLimit],
                    Routes = [new RouteSnapshot { Name = "all", Clusters = [new ClusterWeight("api.http", 1)], Timeouts = FullPolicies.Timeouts, Retry = FullPolicies.Retry }],
                },
                new GatewayListener { Name = "passage", Listen = "127.0.0.1:0", TlsRoutes = [new TlsRouteSnapshot { Name = "tls", ServerNames = ["a.test"], Clusters = [new ClusterWeight("api.http", 1)] }] },
            ],
        };
        var copies = OutOfRange.Copies(full).ToArray();
        Assert.True(copies.Length > 150, $"only {copies.Length} values were found");
        var taken = new List<string>();
        foreach (var (place, snapshot) in copies)
            if ((await pair.Pair.Caller.Snapshots.ApplyAsync(snapshot, default)).Count == 0) taken.Add(place);
        Assert.Empty(taken);
        Assert.Equal("hello", await pair.Client.GetStringAsync(""));
        Assert.Empty(await pair.Pair.Caller.Snapshots.ApplyAsync(full, default));
    }

    private static string Jwk(string kid, ECDsa key)
    {
        var p = key.ExportParameters(false);
        return $$"""{"kty":"EC","crv":"P-256","kid":"{{kid}}","x":"{{Base64UrlEncoder.Encode(p.Q.X)}}","y":"{{Base64UrlEncoder.Encode(p.Q.Y)}}"}""";
    }
}
