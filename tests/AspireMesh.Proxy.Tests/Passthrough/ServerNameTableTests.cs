using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound;
using AspireMesh.Proxy.Passthrough;

namespace AspireMesh.Proxy.Tests.Passthrough;

public class ServerNameTableTests
{
    // In an order that would be wrong if the first match won.
    private static readonly ServerNameTable s_table = ServerNameTable.Compile(
    [
        Route("wide", "*.test"),
        Route("deep", "*.shop.test"),
        Route("exact", "api.shop.test", "shop.test"),
    ]);

    [Theory]
    [InlineData("api.shop.test", "exact")]
    [InlineData("shop.test", "exact")]
    [InlineData("web.shop.test", "deep")]
    [InlineData("a.b.shop.test", "deep")]
    [InlineData("other.test", "wide")]
    [InlineData("test", null)]
    [InlineData("shop.example", null)]
    [InlineData("notshop.test", "wide")]
    [InlineData(null, null)]
    public void The_most_exact_name_wins_whatever_the_order(string? name, string? route) => Assert.Equal(route, s_table.Choose(name, new Chance(1))?.Route);

    [Theory]
    [InlineData("anything.example")]
    [InlineData(null)]
    public void A_star_takes_the_rest_and_hellos_without_a_name(string? name) => Assert.Equal("rest", ServerNameTable.Compile([Route("rest", "*")]).Choose(name, new Chance(1))?.Route);

    [Fact]
    public void A_route_shares_out_by_weight()
    {
        var table = ServerNameTable.Compile([new TlsRouteSnapshot { Name = "split", ServerNames = ["a.test"], Clusters = [new("one", 9), new("two", 1), new("none", 0)] }]);
        var chance = new Chance(7);
        var two = Enumerable.Range(0, 10_000).Count(_ => table.Choose("a.test", chance)?.Cluster == "two");
        // 99.9 % of binomial(10,000, 0.1) lies within 3.3 deviations of 30.
        Assert.InRange(two, 901, 1099);
        Assert.Null(ServerNameTable.Compile([new TlsRouteSnapshot { Name = "off", ServerNames = ["a.test"], Clusters = [new("one", 0)] }]).Choose("a.test", chance));
    }

    private static TlsRouteSnapshot Route(string name, params string[] names) => new() { Name = name, ServerNames = [.. names], Clusters = [new ClusterWeight(name, 1)] };
}
