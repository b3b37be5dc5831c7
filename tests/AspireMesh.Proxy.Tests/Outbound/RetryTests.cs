using System.Text;
using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Outbound.Retries;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Outbound;

public class RetryTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("GET", 503, true)]
    [InlineData("PUT", 504, true)]
    [InlineData("POST", 503, false)]
    [InlineData("PATCH", 502, false)]
    [InlineData("GET", 500, false)]
    [InlineData("GET", 404, false)]
    [InlineData("GET", 200, false)]
    public void By_default_gateway_errors_of_idempotent_methods_are_retried(string method, int status, bool expected) =>
        Assert.Equal(expected, new RetryRules(new RetryPolicy()).ShouldRetry(AttemptOutcome.Answered(status), method, sentAnything: true));

    [Fact]
    public void What_was_never_sent_is_retried_with_any_method_and_a_reset_only_with_idempotent_ones()
    {
        var rules = new RetryRules(new RetryPolicy());
        Assert.True(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.Connect), "POST", sentAnything: false));
        Assert.False(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.Connect), "POST", sentAnything: true));
        Assert.True(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.Refused), "POST", sentAnything: true));
        Assert.False(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.Reset), "POST", sentAnything: false));
        Assert.True(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.Reset), "GET", sentAnything: true));
        Assert.False(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.Deadline), "GET", sentAnything: false));
        Assert.False(rules.ShouldRetry(AttemptOutcome.Failed(AttemptFailure.CallerGone), "GET", sentAnything: false));
    }

    [Fact]
    public void A_listed_grpc_code_is_retried_although_every_grpc_call_is_a_post()
    {
        var rules = new RetryRules(new RetryPolicy { GrpcCodes = [14] });
        Assert.True(rules.ShouldRetry(AttemptOutcome.Answered(200, grpcStatus: 14), "POST", sentAnything: true));
        Assert.False(rules.ShouldRetry(AttemptOutcome.Answered(200, grpcStatus: 13), "POST", sentAnything: true));
    }

    [Fact]
    public void Backoff_doubles_up_to_the_maximum_with_full_jitter()
    {
        var policy = new RetryPolicy();
        var chance = new Chance(3);
        for (var retry = 1; retry <= 10; retry++)
        {
            var ceiling = Math.Min(25 * Math.Pow(2, retry - 1), 250);
            var pauses = Enumerable.Range(0, 500).Select(_ => Backoff.Pause(policy, retry, chance).TotalMilliseconds).ToList();
            Assert.All(pauses, p => Assert.InRange(p, 0, ceiling));
            Assert.InRange(pauses.Average(), ceiling * 0.43, ceiling * 0.57);
        }
    }

    [Theory]
    [InlineData("1", 1000.0)]
    [InlineData("0", 0.0)]
    [InlineData("Sat, 01 Jan 2000 00:00:01 GMT", 1000.0)]
    [InlineData("-1", null)]
    [InlineData("soon", null)]
    public void Retry_after_is_read_as_seconds_or_a_date(string header, double? milliseconds) =>
        Assert.Equal(milliseconds, Backoff.RetryAfter(header, new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero))?.TotalMilliseconds);

    [Fact]
    public void A_retry_after_beyond_the_maximum_ends_the_retries()
    {
        var rules = new RetryRules(new RetryPolicy());
        Assert.Equal(TimeSpan.FromSeconds(1), rules.Pause(AttemptOutcome.Answered(503, retryAfter: "1"), 1, new Chance(1), _time.GetUtcNow()));
        Assert.Null(rules.Pause(AttemptOutcome.Answered(503, retryAfter: "120"), 1, new Chance(1), _time.GetUtcNow()));
    }

    [Fact]
    public void The_budget_allows_a_share_of_the_requests_plus_the_floor()
    {
        var budget = new RetryBudget(_time, ratio: 0.2, minPerSecond: 3, window: TimeSpan.FromSeconds(10));
        for (var i = 0; i < 1000; i++) budget.CountRequest();
        Assert.Equal(230, Enumerable.Range(0, 1000).Count(_ => budget.TryWithdraw()));
    }

    [Fact]
    public void The_budget_forgets_what_the_window_has_left_behind()
    {
        var budget = new RetryBudget(_time, ratio: 0.5, minPerSecond: 0, window: TimeSpan.FromSeconds(10));
        for (var i = 0; i < 100; i++) budget.CountRequest();
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.True(budget.TryWithdraw());
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.False(budget.TryWithdraw());
    }

    [Fact]
    public async Task A_body_within_the_cap_is_replayed_whole_also_when_only_part_was_read()
    {
        var body = new ReplayBody(new MemoryStream("hello world"u8.ToArray()), cap: 64);
        var part = new byte[5];
        Assert.Equal(5, await body.ReadAsync(part));
        Assert.True(body.WasRead);
        Assert.True(body.TryRewind());
        Assert.Equal("hello world", await ReadAll(body));
        Assert.True(body.TryRewind());
        Assert.Equal("hello world", await ReadAll(body));
    }

    [Fact]
    public async Task A_body_larger_than_the_cap_passes_whole_and_cannot_be_replayed()
    {
        var body = new ReplayBody(new MemoryStream(new byte[1000]), cap: 999);
        Assert.Equal(1000, (await ReadAll(body)).Length);
        Assert.False(body.CanReplay);
        Assert.False(body.TryRewind());
    }

    [Fact]
    public async Task A_body_of_exactly_the_cap_is_replayed()
    {
        var body = new ReplayBody(new MemoryStream(new byte[999]), cap: 999);
        await ReadAll(body);
        Assert.True(body.TryRewind());
        Assert.Equal(999, (await ReadAll(body)).Length);
    }

    private static async Task<string> ReadAll(Stream stream)
    {
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return Encoding.UTF8.GetString(copy.ToArray());
    }
}
