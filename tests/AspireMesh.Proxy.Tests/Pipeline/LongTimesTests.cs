using System.Net;
using System.Net.Http.Headers;
using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>Times that are longer than a timer can wait.</summary>
public class LongTimesTests
{
    [Fact]
    public async Task A_grpc_timeout_of_years_is_a_limit_like_any_other()
    {
        await using var pair = await HttpPair.StartAsync(
            c => c.Response.WriteAsync(c.Request.Headers["grpc-timeout"].ToString()),
            new HttpPairOptions { Http2 = true }.WithRoute(r => r with { Timeouts = new TimeoutPolicy { Request = TimeSpan.Zero } }));
        using var request = new HttpRequestMessage(HttpMethod.Post, "") { Content = new ByteArrayContent([]), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("grpc-timeout", "20000H");
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.EndsWith("S", await response.Content.ReadAsStringAsync());
    }
}
