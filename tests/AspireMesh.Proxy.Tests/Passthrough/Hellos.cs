using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace AspireMesh.Proxy.Tests.Passthrough;

/// <summary>Hellos of a real TLS client, and made-up ones.</summary>
internal static class Hellos
{
    /// <summary>What this platform's TLS sends first.</summary>
    public static async Task<byte[]> RealAsync(string? serverName)
    {
        using var caught = new CatchingStream();
        await using var tls = new SslStream(caught);
        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = serverName ?? "", CertificateRevocationCheckMode = X509RevocationMode.NoCheck }));
        return caught.Written.ToArray();
    }

    /// <summary>A hello with these extensions in one record.</summary>
    public static byte[] With(params (int Type, byte[] Content)[] extensions)
    {
        var all = extensions.SelectMany(e => (byte[])[.. Two(e.Type), .. Two(e.Content.Length), .. e.Content]).ToArray();
        byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, .. Two(all.Length), .. all];
        return Record([1, 0, .. Two(body.Length), .. body]);
    }

    /// <summary>The same message in records of so many bytes each.</summary>
    public static byte[] InRecordsOf(int size, byte[] hello) => [.. hello[5..].Chunk(size).SelectMany(Record)];

    public static (int Type, byte[] Content) ServerName(string name, byte type = 0)
    {
        var text = Encoding.Latin1.GetBytes(name);
        return (0, [.. Two(text.Length + 3), type, .. Two(text.Length), .. text]);
    }

    public static byte[] Record(byte[] content) => [22, 3, 1, .. Two(content.Length), .. content];

    private static byte[] Two(int number) => [(byte)(number >> 8), (byte)number];

    private sealed class CatchingStream : Stream
    {
        public MemoryStream Written { get; } = new();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Written.Write(buffer, offset, count);
    }
}
