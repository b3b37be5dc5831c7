using System.Text;
using AspireMesh.Proxy.Outbound.Forwarding.Http1;

namespace AspireMesh.Proxy.Tests.Outbound.Http1;

public class ResponseHeadTests
{
    [Theory]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 Length 5 keeps")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "200 Length 5 keeps")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "200 Length 5 keeps")]
    [InlineData("GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 Length 0 keeps")]
    [InlineData("GET", "HTTP/1.1 200 \nContent-Length:\t1 \n\n", "200 Length 1 keeps")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", "200 Chunked -1 keeps")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "200 Chunked -1 ends")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\n\r\n", "200 UntilClose -1 ends")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x-a, Close\r\n\r\n", "200 Length 5 ends")]
    [InlineData("GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "200 Length 5 ends")]
    [InlineData("GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", "200 Length 5 keeps")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 None 5 keeps")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 None -1 keeps")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 None 5 keeps")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 None -1 keeps")]
    [InlineData("GET", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", "103 None -1 keeps")]
    public void A_head_says_how_its_body_ends_and_whether_the_connection_goes_on(string method, string text, string expected)
    {
        var head = Read(method, text);
        Assert.Equal(expected, $"{head.Status} {head.Framing} {head.Length} {(head.KeepsConnection ? "keeps" : "ends")}");
    }

    [Theory]
    [InlineData("\r\nHTTP/1.1 200 OK\r\n\r\n")]
    [InlineData("HTTP/2.0 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1  200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 +20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 O\rK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: 1\r2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: 1\02\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: 1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")]
    public void What_breaks_a_rule_is_refused(string text) => Assert.Throws<ResponseFormatException>(() => Read("GET", text));

    [Fact]
    public void Fields_keep_their_bytes_and_those_that_connection_names_are_known()
    {
        var bytes = Encoding.Latin1.GetBytes("HTTP/1.1 200 Tr\u00e8s bien\r\nX-One:  a\u00e9 b \r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nx-one: 2\r\n\r\n");
        var head = new ResponseHead();
        head.Read(bytes, "GET");
        var fields = string.Join('|', head.Fields.ToArray().Select(f => $"{Encoding.Latin1.GetString(bytes[f.Name])}={Encoding.Latin1.GetString(bytes[f.Value])}"));
        Assert.Equal("X-One=a\u00e9 b|Connection=keep-alive, x-hop|X-Hop=1|x-one=2", fields);
        Assert.Equal("Tr\u00e8s bien", Encoding.Latin1.GetString(bytes[head.Reason]));
        Assert.True(head.NamesFields);
        Assert.True(head.IsNamedByConnection(bytes, "x-hop"u8));
        Assert.False(head.IsNamedByConnection(bytes, "x-one"u8));
        Assert.Equal("a\u00e9 b", Encoding.Latin1.GetString(head.ValueOf(bytes, "x-one"u8)));
    }

    [Fact]
    public void The_end_of_a_head_is_found_however_it_comes_in_pieces()
    {
        foreach (var text in new[] { "HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest", "HTTP/1.1 200 OK\nA: b\n\nrest", "\r\nrest", "HTTP/1.1 200 OK\r\nA: b\n\r\nrest" })
        {
            var bytes = Encoding.ASCII.GetBytes(text);
            var looked = 0;
            var found = Enumerable.Range(1, bytes.Length).First(n => ResponseHead.FindEnd(bytes.AsSpan(0, n), ref looked) > 0);
            Assert.Equal(text.Length - 4, found);
        }
    }

    [Fact]
    public void Mutated_heads_are_read_or_refused_and_nothing_else()
    {
        var random = new Random(20251126);
        string[] seeds =
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n",
            "HTTP/1.0 304 \nEtag: \"x\"\n\n",
        ];
        var (read, refused) = (0, 0);
        for (var i = 0; i < 40_000; i++)
        {
            var bytes = Encoding.Latin1.GetBytes(seeds[random.Next(seeds.Length)]).ToList();
            for (var n = random.Next(4); n >= 0; n--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(3))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes.Insert(at, (byte)"\r\n :,\t0;"[random.Next(8)]); break;
                    default: bytes.RemoveAt(at); break;
                }
            }
            var all = bytes.ToArray();
            var looked = 0;
            if (ResponseHead.FindEnd(all, ref looked) is not (> 0 and var length)) continue;
            var head = new ResponseHead();
            try
            {
                head.Read(all.AsSpan(0, length), "GET");
                read++;
            }
            catch (ResponseFormatException)
            {
                refused++;
                continue;
            }
            // Whatever was let through cannot be read as two messages.
            foreach (var field in head.Fields) Assert.Equal(-1, all.AsSpan(0, length)[field.Value].IndexOfAny("\r\n\0"u8));
            Assert.True(head.Framing != BodyFraming.Length || head.Length >= 0);
        }
        Assert.True(read > 1000 && refused > 1000, $"{read} read, {refused} refused");
    }

    private static ResponseHead Read(string method, string text)
    {
        var head = new ResponseHead();
        head.Read(Encoding.Latin1.GetBytes(text), method);
        return head;
    }
}
