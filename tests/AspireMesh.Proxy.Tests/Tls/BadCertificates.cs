using System.Security.Cryptography.X509Certificates;
using AspireMesh.TestKit;

namespace AspireMesh.Proxy.Tests.Tls;

/// <summary>One certificate per rule of X509-SVID (sections 2 to 5), each a good SVID with one thing wrong.</summary>
internal static class BadCertificates
{
    private static readonly Dictionary<string, (string Rule, Func<TestCertificates, X509Certificate2> Make)> Table = new()
    {
        ["another CA of the same trust domain"] = ("does not chain", m => new TestCertificates(m.TrustDomain).Svid("web")),
        ["another mesh"] = ("belongs to the trust domain", _ => new TestCertificates("other.mesh").Svid("web")),
        ["signed by itself"] = ("does not chain", m => m.Issue(Good(m) with { SelfSigned = true })),
        ["expired"] = ("expired", m => m.Issue(Good(m) with { NotBefore = m.Now.AddHours(-2), NotAfter = m.Now.AddMinutes(-1) })),
        ["not valid yet"] = ("not valid before", m => m.Issue(Good(m) with { NotBefore = m.Now.AddMinutes(5) })),
        ["no URI SAN"] = ("no URI SAN", m => m.Issue(Good(m) with { Uris = [] })),
        ["only a DNS SAN"] = ("no URI SAN", m => m.Issue(Good(m) with { Uris = [], DnsNames = ["web"] })),
        ["two URI SANs"] = ("2 URI SANs", m => m.Issue(Good(m) with { Uris = [m.IdOf("web"), m.IdOf("api")] })),
        ["an id without a path"] = ("has no path", m => m.Issue(Good(m) with { Uris = [$"spiffe://{m.TrustDomain}"] })),
        ["a trust domain in upper case"] = ("trust domain", m => m.Issue(Good(m) with { Uris = ["spiffe://TEST.mesh/ns/default/sa/web"] })),
        ["another scheme"] = ("spiffe://", m => m.Issue(Good(m) with { Uris = [$"https://{m.TrustDomain}/ns/default/sa/web"] })),
        ["a CA certificate as a leaf"] = ("CA certificate", m => m.Issue(Good(m) with { IsAuthority = true })),
        ["may sign certificates"] = ("may sign", m => m.Issue(Good(m) with { KeyUsage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign })),
        ["may sign revocation lists"] = ("may sign", m => m.Issue(Good(m) with { KeyUsage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.CrlSign })),
        ["no digitalSignature"] = ("digitalSignature", m => m.Issue(Good(m) with { KeyUsage = X509KeyUsageFlags.NonRepudiation })),
        ["no key usage"] = ("no key usage", m => m.Issue(Good(m) with { KeyUsage = null })),
        ["key usage not critical"] = ("not critical", m => m.Issue(Good(m) with { KeyUsageCritical = false })),
        ["only serverAuth"] = ("clientAuth", m => m.Issue(Good(m) with { ClientPurpose = false })),
        ["only clientAuth"] = ("serverAuth", m => m.Issue(Good(m) with { ServerPurpose = false })),
    };

    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var (what, row) in Table) all.Add(what, row.Rule);
            return all;
        }
    }

    public static X509Certificate2 Make(string what, TestCertificates mesh) => Table[what].Make(mesh);

    private static SvidShape Good(TestCertificates mesh) => new() { Uris = [mesh.IdOf("web")] };
}
