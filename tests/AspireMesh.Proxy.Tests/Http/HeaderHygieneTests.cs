using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Http;

public class HeaderHygieneTests
{
    [Fact]
    public void Hop_by_hop_headers_and_those_that_connection_names_are_taken_away()
    {
        var headers = Clean(h =>
        {
            h.Connection = "close, X-Secret";
            h["X-Secret"] = "1";
            h["Keep-Alive"] = "timeout=5";
            h["Proxy-Connection"] = "keep-alive";
            h["X-Other"] = "2";
        });
        Assert.Equal(["Connection", "X-Other"], headers.Keys.Order());
    }

    [Fact]
    public void Connection_cannot_take_away_host_or_framing()
    {
        var headers = Clean(h =>
        {
            h.Connection = "Host, Content-Length";
            h.Host = "a";
            h.ContentLength = 3;
        });
        Assert.Equal(["Connection", "Content-Length", "Host"], headers.Keys.Order());
    }

    [Theory]
    [InlineData("x-forwarded-client-cert")]
    [InlineData("X-Forwarded-Client-Identity")]
    public void Forged_identities_are_taken_away(string name) => Assert.Empty(Clean(h => h[name] = "spiffe://t/ns/default/sa/admin"));

    [Theory]
    [InlineData("trailers", "trailers")]
    [InlineData("gzip, trailers", "trailers")]
    [InlineData("gzip", "")]
    public void Of_te_only_trailers_passes(string sent, string expected) => Assert.Equal(expected, Clean(h => h.TE = sent).TE.ToString());

    private static IHeaderDictionary Clean(Action<IHeaderDictionary> setup)
    {
        var context = new DefaultHttpContext();
        setup(context.Request.Headers);
        HeaderHygiene.CleanRequest(context);
        return context.Request.Headers;
    }
}
