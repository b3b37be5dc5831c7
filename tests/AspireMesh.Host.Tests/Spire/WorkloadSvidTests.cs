using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Identity.WorkloadApi;
using AspireMesh.TestKit;
using Google.Protobuf;

namespace AspireMesh.Host.Tests.Spire;

/// <summary>What a Workload API gives is judged by the validator that judges peers, before it is put in use.</summary>
public class WorkloadSvidTests
{
    private readonly TestCertificates _ca = new();

    [Fact]
    public void The_one_with_the_expected_id_is_taken_with_its_key_and_its_bundle()
    {
        var response = new X509SVIDResponse { Svids = { StandInWorkloadApi.Svids(_ca, ["web", "api"], _ca.Now.AddHours(2)) } };

        var svid = WorkloadSvid.Take(response, SpiffeId.Parse(_ca.IdOf("api")), _ca.Now);

        Assert.True(svid.Leaf.HasPrivateKey);
        Assert.True(SvidValidator.TryReadId(svid.Leaf, out var id, out _));
        Assert.Equal(_ca.IdOf("api"), id.ToString());
        Assert.Equal(_ca.Root.RawData, Assert.Single(svid.Roots).RawData);
    }

    [Theory]
    [InlineData("two names", "2 URI SANs")]
    [InlineData("another name inside", "not for 'spiffe://test.mesh/ns/default/sa/api'")]
    [InlineData("another trust domain", "belongs to the trust domain 'other.mesh'")]
    [InlineData("a CA", "a leaf is required")]
    [InlineData("expired", "expired at")]
    [InlineData("not yet valid", "is not valid before")]
    [InlineData("no client purpose", "lacks serverAuth or clientAuth")]
    [InlineData("a root outside the bundle", "does not chain to a trusted root")]
    [InlineData("no bundle", "does not chain to a trusted root")]
    [InlineData("another key", "cannot be read")]
    [InlineData("no certificate", "holds no certificate")]
    [InlineData("garbage", "cannot be read")]
    [InlineData("garbage at the end", "cannot be read")]
    [InlineData("nobody", "it gave no SVID")]
    [InlineData("somebody else", "it gave 'spiffe://test.mesh/ns/default/sa/web'")]
    public void Anything_else_is_refused_with_the_rule_it_breaks(string shape, string rule)
    {
        var id = _ca.IdOf("api");
        var good = new SvidShape { Uris = [id] };
        X509SVID Of(SvidShape s) => StandInWorkloadApi.Svid(id, _ca.Issue(s), _ca.Root);
        X509SVID With(Action<X509SVID> change)
        {
            var svid = Of(good);
            change(svid);
            return svid;
        }
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509SVID[] given = shape switch
        {
            "two names" => [Of(good with { Uris = [id, _ca.IdOf("web")] })],
            "another name inside" => [Of(good with { Uris = [_ca.IdOf("web")] })],
            "another trust domain" => [Of(good with { Uris = ["spiffe://other.mesh/ns/default/sa/api"] })],
            "a CA" => [Of(good with { IsAuthority = true })],
            "expired" => [Of(good with { NotAfter = _ca.Now.AddMinutes(-1) })],
            "not yet valid" => [Of(good with { NotBefore = _ca.Now.AddMinutes(1) })],
            "no client purpose" => [Of(good with { ClientPurpose = false })],
            "a root outside the bundle" => [StandInWorkloadApi.Svid(id, _ca.Issue(good), new TestCertificates().Root)],
            "no bundle" => [With(s => s.Bundle = ByteString.Empty)],
            "another key" => [With(s => s.X509SvidKey = ByteString.CopyFrom(stranger.ExportPkcs8PrivateKey()))],
            "no certificate" => [With(s => s.X509Svid = ByteString.Empty)],
            "garbage" => [With(s => s.X509Svid = ByteString.CopyFromUtf8("certificate"))],
            "garbage at the end" => [With(s => s.X509Svid = ByteString.CopyFrom([.. s.X509Svid, 0x30, 0x82]))],
            "somebody else" => [.. StandInWorkloadApi.Svids(_ca, ["web"], _ca.Now.AddHours(1))],
            _ => [],
        };

        var refusal = Assert.Throws<NotAnSvidException>(() => WorkloadSvid.Take(new X509SVIDResponse { Svids = { given } }, SpiffeId.Parse(id), _ca.Now));

        Assert.Contains(rule, refusal.Message);
    }

    [Theory]
    [InlineData("unix:///run/spire/agent.sock", true)]
    [InlineData("tcp://127.0.0.1:8081", true)]
    [InlineData("tcp://[::1]:8081", true)]
    [InlineData("tcp://agent:8081", false)]
    [InlineData("unix://host/agent.sock", false)]
    [InlineData("unix:///", false)]
    [InlineData("http://127.0.0.1:8081", false)]
    [InlineData("unix:///a.sock?x=1", false)]
    [InlineData("/run/spire/agent.sock?", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void An_address_is_a_socket_or_an_ip_address_with_a_port(string? text, bool good)
    {
        Assert.Equal(good, WorkloadApiAddress.TryParse(text, out var endpoint, out var error));
        Assert.Equal(good, endpoint is not null);
        Assert.Equal(good, error is null);
    }

    [Fact]
    public void A_socket_whose_path_is_too_long_is_refused_with_what_to_do()
    {
        Assert.False(WorkloadApiAddress.TryParse($"unix:///{new string('a', 200)}", out _, out var error));
        Assert.Contains("Mount the socket at a shorter path", error);
    }
}
