using AspireMesh.Protocol.Identity;

namespace AspireMesh.Protocol.Tests;

public class SpiffeIdTests
{
    [Fact]
    public void A_workload_id_has_namespace_and_service_account_in_its_path()
    {
        Assert.True(TrustDomain.TryParse("shop.mesh", out var domain, out _));
        Assert.Equal("spiffe://shop.mesh/ns/default/sa/orders", SpiffeId.ForWorkload(domain, "default", "orders").ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("SPIFFE://shop/ns/a")]
    [InlineData("spiffe://")]
    [InlineData("spiffe:///ns/a")]
    [InlineData("spiffe://Shop/ns/a")]
    [InlineData("spiffe://shop:80/ns/a")]
    [InlineData("spiffe://user@shop/ns/a")]
    [InlineData("spiffe://shop/ns/a/")]
    [InlineData("spiffe://shop//a")]
    [InlineData("spiffe://shop/../a")]
    [InlineData("spiffe://shop/./a")]
    [InlineData("spiffe://shop/a?b")]
    [InlineData("spiffe://shop/a#b")]
    [InlineData("spiffe://shop/a%41")]
    [InlineData("https://shop/a")]
    public void An_id_that_breaks_a_rule_is_refused_with_the_reason(string text)
    {
        Assert.False(SpiffeId.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void Lengths_are_limited()
    {
        Assert.True(SpiffeId.TryParse("spiffe://" + new string('a', 255) + "/x", out _, out _));
        Assert.False(SpiffeId.TryParse("spiffe://" + new string('a', 256) + "/x", out _, out _));
        Assert.True(SpiffeId.TryParse("spiffe://a/" + new string('x', 2048 - 11), out _, out _));
        Assert.False(SpiffeId.TryParse("spiffe://a/" + new string('x', 2048 - 10), out _, out _));
    }
}
