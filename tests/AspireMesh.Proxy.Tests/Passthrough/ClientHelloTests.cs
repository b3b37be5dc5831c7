using AspireMesh.Proxy.Passthrough;

namespace AspireMesh.Proxy.Tests.Passthrough;

public class ClientHelloTests
{
    public static TheoryData<string, byte[], HelloStateName> Bytes { get; } = new()
    {
        { "HTTP", "GET / HTTP/1.1\r\n"u8.ToArray(), HelloStateName.NotTls },
        { "SSH", "SSH-2.0-x\r\n"u8.ToArray(), HelloStateName.NotTls },
        { "an SSL 2 hello", [0x80, 0x2e, 1, 0, 2], HelloStateName.NotTls },
        { "an alert", [21, 3, 3, 0, 2, 2, 40], HelloStateName.NotTls },
        { "TLS of no version", [22, 9, 9], HelloStateName.NotTls },
        { "nothing", [], HelloStateName.Incomplete },
        { "the first byte", [22], HelloStateName.Incomplete },
        { "an empty record", [22, 3, 1, 0, 0], HelloStateName.Malformed },
        { "a record over 16 KiB", [22, 3, 1, 0x40, 1], HelloStateName.Malformed },
        { "a server's hello", Hellos.Record([2, 0, 0, 0]), HelloStateName.Malformed },
        { "a hello of a megabyte", Hellos.Record([1, 0x10, 0, 0]), HelloStateName.TooLong },
        { "an alert in the middle", [.. Hellos.Record([1, 0, 0, 40]), 21, 3, 3, 0, 2], HelloStateName.Malformed },
        { "an empty hello", Hellos.Record([1, 0, 0, 0]), HelloStateName.Malformed },
        { "no extension", Hellos.With(), HelloStateName.Complete },
        { "two server names", Hellos.With(Hellos.ServerName("a.test"), Hellos.ServerName("b.test")), HelloStateName.Malformed },
        { "an empty server name", Hellos.With(Hellos.ServerName("")), HelloStateName.Malformed },
        { "a server name of another type", Hellos.With(Hellos.ServerName("a.test", type: 1)), HelloStateName.Malformed },
        { "a final dot", Hellos.With(Hellos.ServerName("a.test.")), HelloStateName.Malformed },
        { "a line end in the name", Hellos.With(Hellos.ServerName("a\r\n.test")), HelloStateName.Malformed },
        { "a NUL in the name", Hellos.With(Hellos.ServerName("a.test\0.evil")), HelloStateName.Malformed },
        { "a name that is not ASCII", Hellos.With(Hellos.ServerName("\u00fc.test")), HelloStateName.Malformed },
        { "a list longer than its extension", Hellos.With((0, [0, 9, 0, 0, 1, 97])), HelloStateName.Malformed },
        { "an extension longer than the hello", Cut(Hellos.With(Hellos.ServerName("a.test"))), HelloStateName.Malformed },
    };

    /// <summary>The states by name: a theory's data are public.</summary>
    public enum HelloStateName
    {
        Incomplete,
        Complete,
        NotTls,
        Malformed,
        TooLong,
    }

    [Theory]
    [MemberData(nameof(Bytes))]
    public void Every_beginning_of_a_connection_is_told_apart(string what, byte[] bytes, HelloStateName expected) =>
        Assert.True(expected.ToString() == ClientHello.Read(bytes).State.ToString(), $"{what}: {ClientHello.Read(bytes).State}");

    [Theory]
    [InlineData("shop.test", "shop.test")]
    [InlineData("Shop.TEST", "shop.test")]
    [InlineData(null, null)]
    public async Task A_real_clients_hello_is_read_whole_and_never_before_its_last_byte(string? asked, string? name)
    {
        var hello = await Hellos.RealAsync(asked);
        for (var length = 0; length < hello.Length; length++) Assert.Equal(HelloState.Incomplete, ClientHello.Read(hello.AsSpan(0, length)).State);
        Assert.Equal(new ClientHello(HelloState.Complete, name), ClientHello.Read(hello));
        // What follows is the app's business.
        Assert.Equal(name, ClientHello.Read([.. hello, 20, 3, 3, 0, 1, 1]).ServerName);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task A_hello_may_be_spread_over_any_number_of_records(int size) =>
        Assert.Equal(new ClientHello(HelloState.Complete, "shop.test"), ClientHello.Read(Hellos.InRecordsOf(size, await Hellos.RealAsync("shop.test"))));

    [Fact]
    public void An_encrypted_hello_is_told_and_its_outer_name_is_what_counts()
    {
        var hello = ClientHello.Read(Hellos.With(Hellos.ServerName("outer.test"), (0xfe0d, [0, 0, 1, 0, 1, 7, 0, 0, 0, 0])));
        Assert.Equal(new ClientHello(HelloState.Complete, "outer.test", IsEncrypted: true), hello);
    }

    [Fact]
    public void Endless_records_of_a_byte_end_at_the_size_that_is_held()
    {
        byte[] endless = [.. Hellos.InRecordsOf(1, [0, 0, 0, 0, 0, 1, 0, 0x7f, 0xff, .. new byte[9000]])];
        Assert.Equal(HelloState.TooLong, ClientHello.Read(endless).State);
    }

    [Fact]
    public async Task Whatever_the_bytes_are_reading_ends_with_a_state_and_a_name_that_a_hello_can_carry()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        byte[][] seeds = [await Hellos.RealAsync("shop.test"), Hellos.With(Hellos.ServerName("a.test")), Hellos.InRecordsOf(7, await Hellos.RealAsync("shop.test"))];
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = seeds[random.Next(seeds.Length)].ToArray();
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                var at = random.Next(bytes.Length);
                switch (random.Next(4))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes = bytes[..Math.Max(1, at)]; break;
                    case 2: bytes = [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]]; break;
                    default: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                }
                if (bytes.Length == 0) bytes = [22];
            }
            var hello = ClientHello.Read(bytes);
            Assert.True(hello.ServerName is null || (hello.State == HelloState.Complete && hello.ServerName.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_')), $"seed {seed}, round {i}: {hello}");
        }
    }

    private static byte[] Cut(byte[] hello)
    {
        // The extensions' length stays, the message ends four bytes earlier.
        var cut = hello[..^4];
        cut[4] -= 4;
        cut[8] -= 4;
        return cut;
    }
}
