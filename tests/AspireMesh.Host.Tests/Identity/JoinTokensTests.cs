using AspireMesh.Host.Identity;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Tests.Identity;

public class JoinTokensTests
{
    private const string Key = "a key";

    private readonly FakeTimeProvider _time = new();
    private readonly JoinTokens _tokens;

    public JoinTokensTests() => _tokens = new JoinTokens("shop.mesh", TimeSpan.FromMinutes(5), _time);

    [Fact]
    public void A_token_is_good_once_until_its_time_is_over()
    {
        var used = _tokens.Issue("web", "web-0");
        var late = _tokens.Issue("web", "web-1");

        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(JoinOutcome.Accepted, _tokens.Redeem(used, "web", "web-0", Key));
        Assert.Equal(JoinOutcome.Replayed, _tokens.Redeem(used, "web", "web-0", "another key"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(JoinOutcome.Expired, _tokens.Redeem(late, "web", "web-1", Key));
        Assert.Equal(1, _tokens.Counts[JoinOutcome.Expired]);
    }

    [Fact]
    public void The_key_that_used_a_token_may_use_it_again_within_its_life()
    {
        var token = _tokens.Issue("web", "web-0");

        Assert.Equal(JoinOutcome.Accepted, _tokens.Redeem(token, "web", "web-0", Key));
        Assert.Equal(JoinOutcome.Accepted, _tokens.Redeem(token, "web", "web-0", Key));
        Assert.Equal(JoinOutcome.Replayed, _tokens.Redeem(token, "web", "web-0", "another key"));
        Assert.Equal(JoinOutcome.Replayed, _tokens.Redeem(token, "api", "api", Key));
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(JoinOutcome.Replayed, _tokens.Redeem(token, "web", "web-0", Key));
    }

    [Theory]
    [InlineData("api", "web-0")]
    [InlineData("web", "web-1")]
    public void A_token_is_bound_to_workload_and_sidecar(string workload, string instance)
    {
        var token = _tokens.Issue("web", "web-0");

        Assert.Equal(JoinOutcome.WrongWorkload, _tokens.Redeem(token, workload, instance, Key));
        Assert.Equal(JoinOutcome.Replayed, _tokens.Redeem(token, "web", "web-0", Key));
    }

    [Fact]
    public void A_sidecar_that_starts_twice_has_two_tokens_that_are_both_good()
    {
        var first = _tokens.Issue("web", "web");
        var second = _tokens.Issue("web", "web");

        Assert.NotEqual(first, second);
        Assert.Equal(JoinOutcome.Accepted, _tokens.Redeem(second, "web", "web", Key));
        Assert.Equal(JoinOutcome.Accepted, _tokens.Redeem(first, "web", "web", Key));
    }

    [Fact]
    public void Tokens_of_other_meshes_and_made_up_ones_are_told_apart()
    {
        var other = new JoinTokens("bank.mesh", TimeSpan.FromMinutes(5), _time).Issue("web", "web");

        Assert.Equal(JoinOutcome.OtherMesh, _tokens.Redeem(other, "web", "web", Key));
        Assert.Equal(JoinOutcome.Unknown, _tokens.Redeem("aspiremesh1.shop.mesh." + new string('0', 64), "web", "web", Key));
        Assert.Equal(JoinOutcome.Malformed, _tokens.Redeem("aspiremesh1", "web", "web", Key));
        Assert.Equal(JoinOutcome.Malformed, _tokens.Redeem(new string('a', 100_000), "web", "web", Key));
        Assert.Equal(JoinOutcome.Malformed, _tokens.Redeem(null, "web", "web", Key));
    }

    [Fact]
    public void Tokens_nobody_used_are_forgotten_in_time()
    {
        var forgotten = _tokens.Issue("web", "web");
        _time.Advance(TimeSpan.FromMinutes(11));

        _tokens.Issue("api", "api");

        Assert.Equal(JoinOutcome.Unknown, _tokens.Redeem(forgotten, "web", "web", Key));
    }
}
