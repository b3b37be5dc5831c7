using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Host.Identity;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Tests.Identity;

public sealed class CertificateAuthorityTests : IDisposable
{
    private static readonly TrustDomain Shop = TrustDomain.Parse("shop.mesh");
    private static readonly SpiffeId Web = SpiffeId.ForWorkload(Shop, "default", "web");
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly string _directory = Directory.CreateTempSubdirectory("aspiremesh-ca-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void An_svid_keeps_every_rule_and_chains_to_the_bundle()
    {
        var authority = new CertificateAuthority(Shop, _time);

        var issued = authority.Issue(Web, "web-0", Csr(), Hour);

        Assert.True(Validate(issued, authority.Roots, out var id, out var error), error);
        Assert.Equal(Web, id);
        using var leaf = X509CertificateLoader.LoadCertificate(issued.Chain[0]);
        Assert.Equal(_time.GetUtcNow().AddSeconds(-30), leaf.NotBefore);
        Assert.Equal(_time.GetUtcNow() + Hour, leaf.NotAfter);
        Assert.Equal("web-0", leaf.GetNameInfo(X509NameType.SimpleName, false));
        Assert.Equal(2, issued.Chain.Length);
    }

    [Fact]
    public void Names_that_a_request_asks_for_are_not_granted()
    {
        var authority = new CertificateAuthority(Shop, _time);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=admin", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri("spiffe://shop.mesh/ns/default/sa/payments"));
        names.AddDnsName("bank.example");
        request.CertificateExtensions.Add(names.Build());

        var issued = authority.Issue(Web, "web", request.CreateSigningRequest(), Hour);

        Assert.True(Validate(issued, authority.Roots, out var id, out var error), error);
        Assert.Equal(Web, id);
    }

    [Fact]
    public void Requests_that_cannot_be_granted_are_refused_with_the_reason()
    {
        var authority = new CertificateAuthority(Shop, _time);
        using var rsa = RSA.Create(2048);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var tampered = Csr();
        tampered[^1] ^= 1;

        foreach (var csr in new[] { [], [0x30, 0x00], tampered, new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest() })
        {
            var refusal = Assert.Throws<MeshValidationException>(() => authority.Issue(Web, "web", csr, Hour));
            Assert.Equal("MESH0301", Assert.Single(refusal.Problems).Id);
        }
    }

    [Fact]
    public void The_root_survives_a_restart_in_a_file_that_only_its_owner_reads()
    {
        var first = new CertificateAuthority(Shop, _time, new AuthorityStore(_directory));
        var issued = first.Issue(Web, "web", Csr(), Hour);

        var second = new CertificateAuthority(Shop, _time, new AuthorityStore(_directory));

        Assert.Equal(first.BundlePem, second.BundlePem);
        Assert.True(Validate(issued, second.Roots, out _, out var error), error);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory, "authority.json")));
    }

    [Fact]
    public void A_root_key_that_others_may_read_is_refused_with_the_line_to_type()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no file modes");
        _ = new CertificateAuthority(Shop, _time, new AuthorityStore(_directory));
        var file = Path.Combine(_directory, "authority.json");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var refusal = Assert.Throws<MeshValidationException>(() => new CertificateAuthority(Shop, _time, new AuthorityStore(_directory)));

        Assert.Contains($"Type: chmod 600 '{file}'", refusal.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"issuing":"x","roots":[]}""")]
    [InlineData("""{"issuing":"x","roots":[{"certificate":"no","key":"no"}]}""")]
    public void A_state_file_that_cannot_be_read_stops_the_start_and_is_not_overwritten(string content)
    {
        var file = Path.Combine(_directory, "authority.json");
        Running.PrivateFile.Write(file, System.Text.Encoding.UTF8.GetBytes(content));

        var refusal = Assert.Throws<MeshValidationException>(() => new CertificateAuthority(Shop, _time, new AuthorityStore(_directory)));

        Assert.Equal("MESH0303", Assert.Single(refusal.Problems).Id);
        Assert.Equal(content, File.ReadAllText(file));
    }

    [Fact]
    public void A_state_directory_of_another_mesh_is_refused()
    {
        _ = new CertificateAuthority(TrustDomain.Parse("bank.mesh"), _time, new AuthorityStore(_directory));

        var refusal = Assert.Throws<MeshValidationException>(() => new CertificateAuthority(Shop, _time, new AuthorityStore(_directory)));

        Assert.Contains("not of the trust domain 'shop.mesh'", refusal.Message);
    }

    [Fact]
    public void A_rotation_goes_by_overlap_and_survives_a_restart_at_every_step()
    {
        CertificateAuthority Restarted() => new(Shop, _time, new AuthorityStore(_directory));
        var authority = Restarted();
        var old = authority.Roots;
        var before = authority.Issue(Web, "web", Csr(), Hour);

        authority.AddRoot();
        authority = Restarted();
        var between = authority.Issue(Web, "web", Csr(), Hour);
        Assert.Equal(2, authority.Roots.Length);
        Assert.True(Validate(between, old, out _, out _), "while the new root spreads, the old one still issues");

        authority.IssueFromNewest();
        authority = Restarted();
        var after = authority.Issue(Web, "web", Csr(), Hour);
        Assert.False(Validate(after, old, out _, out _));
        Assert.True(Validate(before, authority.Roots, out _, out _), "the old root is still trusted");
        Assert.True(Validate(after, authority.Roots, out _, out _));

        authority.DropOldRoots();
        authority = Restarted();
        Assert.Single(authority.Roots);
        Assert.False(Validate(before, authority.Roots, out _, out _));
        Assert.True(Validate(after, authority.Roots, out _, out _));
    }

    [Fact]
    public void A_step_of_a_rotation_that_cannot_be_kept_is_not_taken()
    {
        var store = new Disk();
        var authority = new CertificateAuthority(Shop, _time, store);
        var old = Assert.Single(authority.Roots);

        store.IsFull = true;
        Assert.Throws<MeshValidationException>(() => authority.AddRoot());
        Assert.Equal(old, Assert.Single(authority.Roots));
        store.IsFull = false;
        authority.AddRoot();

        store.IsFull = true;
        Assert.Throws<MeshValidationException>(authority.IssueFromNewest);
        Assert.Equal(old, authority.IssuingRoot);
        Assert.True(Validate(authority.Issue(Web, "web", Csr(), Hour), [old], out _, out _), "what is issued chains to the root that is kept as the issuing one");
        store.IsFull = false;
        authority.IssueFromNewest();

        store.IsFull = true;
        Assert.Throws<MeshValidationException>(authority.DropOldRoots);
        Assert.Equal(2, authority.Roots.Length);
    }

    [Fact]
    public void After_weeks_svids_come_from_a_new_intermediate_of_the_same_root()
    {
        var authority = new CertificateAuthority(Shop, _time);
        var first = authority.Issue(Web, "web", Csr(), Hour);
        _time.Advance(TimeSpan.FromDays(30));

        var later = authority.Issue(Web, "web", Csr(), Hour);

        Assert.NotEqual(first.Chain[1], later.Chain[1]);
        Assert.True(Validate(later, authority.Roots, out _, out var error), error);
        Assert.Equal(_time.GetUtcNow() + Hour, later.Expires);
    }

    [Fact]
    public void The_control_planes_own_certificate_is_renewed_at_half_of_its_life_and_with_the_root()
    {
        var authority = new CertificateAuthority(Shop, _time);
        var own = new OwnCertificate(authority, SpiffeId.ForWorkload(Shop, "default", "aspiremesh-control-plane"), _time);
        var first = own.Current;

        _time.Advance(TimeSpan.FromHours(11));
        Assert.Same(first, own.Current);
        _time.Advance(TimeSpan.FromHours(1));
        var second = own.Current;
        Assert.NotSame(first, second);
        authority.AddRoot();
        Assert.Same(second, own.Current);
        authority.IssueFromNewest();
        Assert.NotSame(second, own.Current);
    }

    [Fact]
    public void Two_meshes_of_one_name_refuse_each_other()
    {
        var one = new CertificateAuthority(Shop, _time);
        var two = new CertificateAuthority(Shop, _time);

        Assert.False(Validate(one.Issue(Web, "web", Csr(), Hour), two.Roots, out _, out var error));
        Assert.Contains("does not chain to a trusted root", error);
    }

    private static byte[] Csr()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=anything", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    private bool Validate(IssuedSvid issued, IEnumerable<X509Certificate2> roots, out SpiffeId? id, out string? error)
    {
        using var leaf = X509CertificateLoader.LoadCertificate(issued.Chain[0]);
        var above = new X509Certificate2Collection();
        foreach (var certificate in issued.Chain.Skip(1)) above.Add(X509CertificateLoader.LoadCertificate(certificate));
        return SvidValidator.TryValidate(leaf, above, [.. roots], Shop, _time.GetUtcNow(), out id, out error);
    }

    private sealed class Disk : IAuthorityStore
    {
        public bool IsFull { get; set; }

        public StoredAuthority? Load() => null;

        public void Save(StoredAuthority authority)
        {
            if (IsFull) throw new MeshValidationException([MeshDiagnostics.BadCertificateAuthority.Found("no space left on device")]);
        }
    }
}
