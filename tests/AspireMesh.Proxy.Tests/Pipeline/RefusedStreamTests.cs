using System.Net;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>
/// A stream that a server turned away unread was never processed (RFC 9113 section 8.7): it is sent again whatever its method, with its body. Over sockets and mTLS, past an
/// inbound side that splices and through one that works on requests.
/// </summary>
public class RefusedStreamTests
{
    private static readonly RetryPolicy s_quick = new() { BackoffBase = TimeSpan.Zero, BackoffMax = TimeSpan.Zero };
    private static readonly string s_body = new('x', 20_000);

    public static MatrixTheoryData<string, TurnedAway, bool> Refusals { get; } = new(["GET", "POST", "gRPC"], Enum.GetValues<TurnedAway>(), [false, true]);

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_stream_that_was_refused_once_is_sent_again_with_its_whole_body(string method, TurnedAway how, bool worksOnRequests)
    {
        await using var server = new RefusingServer(how, times: 1);
        await using var pair = await HttpPair.InFrontOfAsync([server.Address], Options(worksOnRequests).WithRetry(s_quick));
        using var response = await SendAsync(pair, method);
        Assert.Equal((HttpStatusCode.OK, method == "GET" ? "" : s_body), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.Equal(2, server.Requests);
        // HttpClient sends again what has no body, or none of it yet, before anybody hears of it.
        if (method == "GET" || how == TurnedAway.AfterTheBody) Assert.Equal(method == "GET" ? 1 : 2, pair.LastRequest.Attempts);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_goes_to_another_destination(bool worksOnRequests)
    {
        await using var busy = new RefusingServer(TurnedAway.AfterTheBody, times: int.MaxValue);
        await using var free = new RefusingServer(TurnedAway.AtTheHeaders, times: 0);
        await using var pair = await HttpPair.InFrontOfAsync([busy.Address, free.Address], Options(worksOnRequests).WithRetry(s_quick).WithCluster(c => c with { LoadBalancing = new() { Algorithm = LoadBalancingAlgorithm.RoundRobin } }));
        for (var i = 0; i < 4; i++)
        {
            using var response = await SendAsync(pair, "POST");
            Assert.Equal(s_body, await response.Content.ReadAsStringAsync());
        }
        Assert.Equal((2, 4), (busy.Requests, free.Requests));
    }

    [Theory]
    [InlineData(RetryConditions.RefusedStream, 64_000, 3)]
    [InlineData(RetryConditions.RefusedStream, 19_999, 1)]
    [InlineData(RetryConditions.ConnectFailure | RetryConditions.Reset | RetryConditions.GatewayError | RetryConditions.PerTryTimeout, 64_000, 1)]
    public async Task It_is_sent_as_often_as_the_policy_says_and_once_where_it_says_nothing_of_it_or_the_body_was_not_kept(RetryConditions conditions, int kept, int sent)
    {
        await using var server = new RefusingServer(TurnedAway.AfterTheBody, times: int.MaxValue);
        await using var pair = await HttpPair.InFrontOfAsync([server.Address], Options(worksOnRequests: false).WithRetry(s_quick with { Conditions = conditions, ReplayBytes = kept }));
        using var response = await SendAsync(pair, "POST");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal((sent, sent), (server.Requests, pair.LastRequest.Attempts));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_is_still_coming_when_its_stream_is_refused_arrives_whole(bool worksOnRequests)
    {
        await using var server = new RefusingServer(TurnedAway.AtTheHeaders, times: 1);
        await using var pair = await HttpPair.InFrontOfAsync([server.Address], Options(worksOnRequests).WithRetry(s_quick));
        using var request = new HttpRequestMessage(HttpMethod.Post, "")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new InTwoParts("first, ", "second", () => server.Requests == 2),
        };
        using var response = await pair.Client.SendAsync(request);
        Assert.Equal("first, second", await response.Content.ReadAsStringAsync());
    }

    private static HttpPairOptions Options(bool worksOnRequests) => worksOnRequests ? new HttpPairOptions { Http2 = true }.WithInbound(e => e) : new HttpPairOptions { Http2 = true };

    private static async Task<HttpResponseMessage> SendAsync(HttpPair pair, string method)
    {
        using var request = new HttpRequestMessage(method == "GET" ? HttpMethod.Get : HttpMethod.Post, "") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (method != "GET") request.Content = new StringContent(s_body);
        if (method == "gRPC") request.Content!.Headers.ContentType = new("application/grpc");
        return await pair.Client.SendAsync(request);
    }

    /// <summary>A body whose second part comes once something has happened.</summary>
    private sealed class InTwoParts(string first, string second, Func<bool> happened) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(first));
            await stream.FlushAsync();
            await Pairs.RecordedEvents.EventuallyAsync<bool>(() => happened() ? true : null);
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(second));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
