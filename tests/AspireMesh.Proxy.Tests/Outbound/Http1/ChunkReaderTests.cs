using System.Text;
using AspireMesh.Proxy.Outbound.Forwarding.Http1;

namespace AspireMesh.Proxy.Tests.Outbound.Http1;

public class ChunkReaderTests
{
    [Theory]
    [InlineData("3\r\nabc\r\n0\r\n\r\n", "abc")]
    [InlineData("3\r\nabc\r\n002;x=\"y;z\"\r\nde\r\n0\r\nx: y\r\n\r\n", "abcde")]
    [InlineData("a \r\n0123456789\r\n0\r\n\r\n", "0123456789")]
    [InlineData("0\r\n\r\n", "")]
    public void Data_comes_out_whole_however_it_is_cut(string text, string data)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        for (var step = 1; step <= bytes.Length; step++) Assert.Equal((data, true), Read(bytes, step));
    }

    [Theory]
    [InlineData("3\nabc\r\n0\r\n\r\n")]
    [InlineData("3;x\nabc\r\n0\r\n\r\n")]
    [InlineData("3\r\nabcd\r\n0\r\n\r\n")]
    [InlineData("3\r\nabc\n0\r\n\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("0x2\r\nab\r\n")]
    [InlineData(" 2\r\nab\r\n")]
    [InlineData("\r\nab\r\n")]
    [InlineData(";\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\n")]
    [InlineData("3\r\rabc")]
    public void Broken_framing_is_refused(string text) => Assert.Throws<ResponseFormatException>(() => Read(Encoding.ASCII.GetBytes(text), 1));

    [Fact]
    public void A_size_line_that_does_not_end_is_refused() => Assert.Throws<ResponseFormatException>(() => Read(Encoding.ASCII.GetBytes("1;" + new string('x', 5000)), 100));

    [Fact]
    public void Random_bodies_survive_random_cuts_and_mutations_never_give_more_than_came()
    {
        var random = new Random(7);
        for (var i = 0; i < 3_000; i++)
        {
            var (wire, data) = Encode(random);
            Assert.Equal((data, true), Read(wire, random.Next(1, wire.Length + 1)));
            wire[random.Next(wire.Length)] = (byte)random.Next(256);
            try
            {
                Assert.True(Read(wire, 16).Data.Length <= wire.Length);
            }
            catch (ResponseFormatException)
            {
                // Refused, which is as good.
                continue;
            }
        }
    }

    private static (byte[] Wire, string Data) Encode(Random random)
    {
        var (wire, data) = (new StringBuilder(), new StringBuilder());
        for (var chunks = random.Next(6); chunks > 0; chunks--)
        {
            var chunk = new string((char)random.Next('a', 'z'), random.Next(1, 40));
            wire.Append($"{chunk.Length:x}\r\n{chunk}\r\n");
            data.Append(chunk);
        }
        return (Encoding.ASCII.GetBytes(wire.Append("0\r\n\r\n").ToString()), data.ToString());
    }

    private static (string Data, bool Ended) Read(byte[] bytes, int step)
    {
        var reader = new ChunkReader();
        var data = new StringBuilder();
        for (var at = 0; at < bytes.Length && !reader.IsAtTrailers; at += step)
        {
            var piece = bytes.AsSpan(at, Math.Min(step, bytes.Length - at));
            while (!piece.IsEmpty && !reader.IsAtTrailers)
            {
                piece = piece[reader.Take(piece)..];
                var count = (int)Math.Min(piece.Length, reader.DataLeft);
                data.Append(Encoding.Latin1.GetString(piece[..count]));
                reader.DataLeft -= count;
                piece = piece[count..];
            }
        }
        return (data.ToString(), reader.IsAtTrailers);
    }
}
