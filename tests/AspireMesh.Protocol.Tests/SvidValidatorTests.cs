using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;
using AspireMesh.TestKit;

namespace AspireMesh.Protocol.Tests;

public class SvidValidatorTests
{
    private const int Rounds = 4000;
    private static readonly TrustDomain Mesh = TrustDomain.Parse("test.mesh");

    [Fact]
    public void Whatever_byte_of_a_certificate_changes_nothing_is_accepted_that_was_not_issued()
    {
        var authority = new TestCertificates();
        using var good = authority.Svid("web");
        var random = new Random(20261122);
        var accepted = 0;

        for (var i = 0; i < Rounds; i++)
        {
            var bytes = good.RawData.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (bytes.AsSpan().SequenceEqual(good.RawData) || !TryLoad(bytes, out var mutated)) continue;
            using (mutated)
            {
                if (!SvidValidator.TryValidate(mutated, [], authority.Roots, Mesh, authority.Now, out var id, out _)) continue;
                accepted++;
                // An encoding may differ outside of what is signed; who it names may not.
                Assert.Equal(authority.IdOf("web"), id.ToString());
            }
        }

        Assert.InRange(accepted, 0, Rounds / 100);
    }

    [Fact]
    public void Random_bytes_are_refused_without_an_exception()
    {
        var random = new Random(7);
        var authority = new TestCertificates();
        using var good = authority.Svid("web");
        for (var i = 0; i < Rounds; i++)
        {
            var cut = good.RawData[..random.Next(good.RawData.Length)];
            if (!TryLoad(cut, out var certificate)) continue;
            using (certificate) Assert.False(SvidValidator.TryValidate(certificate, [], authority.Roots, Mesh, authority.Now, out _, out _));
        }
        Assert.False(SvidValidator.TryValidate(null, [], authority.Roots, Mesh, authority.Now, out _, out var error));
        Assert.Equal("no certificate was presented", error);
    }

    [Fact]
    public void No_text_is_taken_for_a_spiffe_id_that_the_rules_refuse()
    {
        const string Alphabet = "spiffe://aZ09.-_/%?#@: ..ä\0";
        var random = new Random(42);
        for (var i = 0; i < 200_000; i++)
        {
            var text = (random.Next(3) == 0 ? "" : "spiffe://") + string.Create(random.Next(24), random, (span, r) =>
            {
                for (var c = 0; c < span.Length; c++) span[c] = Alphabet[r.Next(Alphabet.Length)];
            });
            if (!SpiffeId.TryParse(text, out var id, out _)) continue;
            Assert.Equal(text, id.ToString());
            Assert.Matches(@"^spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)*\z", text);
            Assert.DoesNotContain(text["spiffe://".Length..].Split('/').Skip(1), s => s is "." or "..");
        }
    }

    [Fact]
    public void An_id_may_be_2048_bytes_long_and_no_longer()
    {
        var longest = "spiffe://test.mesh/" + new string('a', 2048 - "spiffe://test.mesh/".Length);

        Assert.True(SpiffeId.TryParse(longest, out _, out _));
        Assert.False(SpiffeId.TryParse(longest + "a", out _, out _));
    }

    private static bool TryLoad(byte[] bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out X509Certificate2? certificate)
    {
        try
        {
            certificate = X509CertificateLoader.LoadCertificate(bytes);
            return true;
        }
        catch (CryptographicException)
        {
            certificate = null;
            return false;
        }
    }
}
