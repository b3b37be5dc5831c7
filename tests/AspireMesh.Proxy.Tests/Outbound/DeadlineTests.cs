using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.Deadlines;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Outbound;

public class DeadlineTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("10S", 10_000.0)]
    [InlineData("250m", 250.0)]
    [InlineData("1H", 3_600_000.0)]
    [InlineData("2M", 120_000.0)]
    [InlineData("500u", 0.5)]
    [InlineData("100000n", 0.1)]
    [InlineData("123456789m", null)]
    [InlineData("m", null)]
    [InlineData("-1S", null)]
    [InlineData("10X", null)]
    [InlineData("", null)]
    public void Grpc_timeout_is_read_by_its_grammar(string header, double? milliseconds) => Assert.Equal(milliseconds, GrpcTimeout.Parse(header)?.TotalMilliseconds);

    [Theory]
    [InlineData(0.5, "500u")]
    [InlineData(1000, "1000000u")]
    [InlineData(200_000, "200000m")]
    [InlineData(200_000_000, "200000S")]
    [InlineData(0, "1u")]
    public void Grpc_timeout_is_written_in_at_most_eight_digits(double milliseconds, string expected) => Assert.Equal(expected, GrpcTimeout.Format(TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public void The_shorter_of_policy_and_grpc_timeout_counts_over_all_attempts()
    {
        var deadline = new RequestDeadline(_time, new TimeoutPolicy { Request = TimeSpan.FromSeconds(15), PerTry = TimeSpan.FromSeconds(2) }, TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(2), deadline.ForAttempt(new TimeoutPolicy { PerTry = TimeSpan.FromSeconds(2) }));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(1), deadline.ForAttempt(new TimeoutPolicy { PerTry = TimeSpan.FromSeconds(2) }));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.Zero, deadline.Remaining);
    }

    [Fact]
    public void Zero_means_no_limit()
    {
        var deadline = new RequestDeadline(_time, new TimeoutPolicy { Request = TimeSpan.Zero }, null);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(TimeSpan.MaxValue, deadline.Remaining);
    }

    [Fact]
    public void Once_headers_passed_the_deadline_cancels_nothing()
    {
        using var deadline = new HeaderDeadline(_time, TimeSpan.FromSeconds(1), CancellationToken.None);
        Assert.True(deadline.TryPass());
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.False(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.HasExpired);
    }

    [Fact]
    public void Headers_that_come_after_the_deadline_are_too_late()
    {
        using var deadline = new HeaderDeadline(_time, TimeSpan.FromSeconds(1), CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.True(deadline.HasExpired);
        Assert.False(deadline.TryPass());
    }

    [Fact]
    public async Task An_upload_may_take_as_long_as_it_takes_and_the_limit_counts_from_its_end()
    {
        var policy = new TimeoutPolicy { Request = TimeSpan.FromSeconds(15) };
        var request = new RequestDeadline(_time, policy, null);
        await using var body = new WatchedBody(new MemoryStream(new byte[10]), request);
        var start = _time.GetTimestamp();
        using var deadline = new HeaderDeadline(_time, request.ForAttempt(policy), CancellationToken.None, () => request.MoreForAttempt(policy, start));
        await body.ReadExactlyAsync(new byte[10]);
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.False(deadline.HasExpired);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(0, await body.ReadAsync(new byte[1]));
        _time.Advance(TimeSpan.FromSeconds(14.9));
        Assert.False(deadline.HasExpired);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(deadline.HasExpired);
    }

    [Fact]
    public async Task A_grpc_timeout_counts_from_the_start_even_while_the_client_streams()
    {
        var policy = new TimeoutPolicy();
        var request = new RequestDeadline(_time, policy, TimeSpan.FromSeconds(3));
        await using var body = new WatchedBody(new MemoryStream(new byte[10]), request);
        var start = _time.GetTimestamp();
        using var deadline = new HeaderDeadline(_time, request.ForAttempt(policy), CancellationToken.None, () => request.MoreForAttempt(policy, start));
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(deadline.HasExpired);
    }
}
