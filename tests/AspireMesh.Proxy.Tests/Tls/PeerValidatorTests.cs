using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;
using AspireMesh.Proxy.Tests.Pairs;
using AspireMesh.Proxy.Tls;
using AspireMesh.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Tls;

public class PeerValidatorTests
{
    private static readonly TestCertificates Mesh = new();

    [Fact]
    public void A_good_svid_is_accepted_and_read() =>
        Assert.Equal(Mesh.IdOf("web"), Check(Mesh.Svid("web"), Mesh.Now).Id);

    [Theory]
    [MemberData(nameof(BadCertificates.All), MemberType = typeof(BadCertificates))]
    public void A_bad_certificate_is_refused_with_the_rule_it_breaks(string what, string rule) =>
        Assert.Contains(rule, Check(BadCertificates.Make(what, Mesh), Mesh.Now).Error);

    [Fact]
    public void Validity_is_judged_by_the_clock_that_was_handed_in()
    {
        var svid = Mesh.Svid("web");
        Assert.NotNull(Check(svid, Mesh.Now.AddHours(23)).Id);
        Assert.Contains("expired", Check(svid, Mesh.Now.AddHours(25)).Error);
        Assert.Contains("not valid before", Check(svid, Mesh.Now.AddHours(-2)).Error);
    }

    [Fact]
    public void A_snapshot_replaces_the_roots_and_an_unknown_root_trusts_nobody()
    {
        var other = new TestCertificates();
        var bundle = new TrustBundle(new FixedSvids(Mesh, Mesh.Svid("web")));
        Assert.True(bundle.Replace([other.RootPem]));
        Assert.False(bundle.Replace([other.RootPem]));
        var validator = new PeerValidator(TrustDomain.Parse(Mesh.TrustDomain), bundle, new FakeTimeProvider(Mesh.Now));
        Assert.False(validator.TryValidate(Mesh.Svid("web"), null, TimeSpan.Zero, out _, out var error));
        Assert.Contains("does not chain", error);
        Assert.True(validator.TryValidate(other.Svid("web"), null, TimeSpan.Zero, out _, out _));
        Assert.True(bundle.Replace([other.RootPem, Mesh.RootPem]));
        Assert.True(validator.TryValidate(Mesh.Svid("web"), null, TimeSpan.Zero, out _, out _));
    }

    private static (string? Id, string? Error) Check(X509Certificate2 certificate, DateTimeOffset now)
    {
        var bundle = new TrustBundle(new FixedSvids(Mesh, Mesh.Svid("api")));
        var validator = new PeerValidator(TrustDomain.Parse(Mesh.TrustDomain), bundle, new FakeTimeProvider(now));
        return validator.TryValidate(certificate, null, TimeSpan.Zero, out var id, out var error) ? (id.ToString(), null) : (null, error);
    }
}
