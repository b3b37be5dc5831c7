using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Http;

public class RateLimitTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly CallerIdentity _web = CallerIdentity.FromId("spiffe://t/ns/default/sa/web");
    private readonly CallerIdentity _jobs = CallerIdentity.FromId("spiffe://t/ns/default/sa/jobs");

    [Fact]
    public void A_burst_passes_and_then_the_rate_does()
    {
        var bucket = new TokenBucket(_time, perSecond: 10, burst: 5);
        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => bucket.TryTake(out var _)));
        Assert.False(bucket.TryTake(out var wait));
        Assert.Equal(100, wait.TotalMilliseconds, 1);
        _time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal(3, Enumerable.Range(0, 20).Count(_ => bucket.TryTake(out var _)));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => bucket.TryTake(out var _)));
    }

    [Fact]
    public void Callers_have_buckets_of_their_own_where_asked_for()
    {
        var limits = Make(new RateLimitPolicy { Name = "per caller", PerSecond = 1, Burst = 1, Key = RateLimitKey.Caller });
        Assert.True(Take(limits, _web));
        Assert.False(Take(limits, _web));
        Assert.True(Take(limits, _jobs));
    }

    [Fact]
    public void Only_matching_requests_count_and_the_limit_that_refused_is_named()
    {
        var limits = Make(new RateLimitPolicy { Name = "orders", PerSecond = 1, Burst = 1, Matches = [new RouteMatch { Path = new(StringMatchKind.Prefix, "/orders") }] });
        Assert.True(Take(limits, _web, "/orders"));
        Assert.True(Take(limits, _web, "/other"));
        var context = new DefaultHttpContext();
        context.Request.Path = "/orders/1";
        Assert.False(limits.TryTake(context.Request, _web, out var name, out _));
        Assert.Equal("orders", name);
    }

    [Fact]
    public void What_one_limit_refuses_is_not_taken_out_of_another()
    {
        var limits = RateLimits.Compile(_time, [new RateLimitPolicy { Name = "all", PerSecond = 1, Burst = 2 }, new RateLimitPolicy { Name = "per caller", PerSecond = 1, Burst = 1, Key = RateLimitKey.Caller }], null)!;
        Assert.Equal(1, Enumerable.Range(0, 10).Count(_ => Take(limits, _web)));
        Assert.True(Take(limits, _jobs));
        Assert.False(Take(limits, _jobs));
    }

    [Fact]
    public void A_snapshot_change_is_no_fresh_allowance()
    {
        var policy = new RateLimitPolicy { Name = "all", PerSecond = 1, Burst = 1 };
        var limits = Make(policy);
        Assert.True(Take(limits, _web));
        limits = RateLimits.Compile(_time, [policy with { }], limits)!;
        Assert.False(Take(limits, _web));
    }

    private RateLimits Make(RateLimitPolicy policy) => RateLimits.Compile(_time, [policy], null)!;

    private static bool Take(RateLimits limits, CallerIdentity caller, string path = "/")
    {
        var context = new DefaultHttpContext();
        context.Request.Path = path;
        return limits.TryTake(context.Request, caller, out _, out _);
    }
}
