using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using AspireMesh.Host.Identity;

namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>The intermediate CA from an issuer of the cluster: every way in which that can go, as docs/kubernetes.md says.</summary>
public class CertManagerTests
{
    private static readonly IssuerReference Issuer = new("corporate", "ClusterIssuer");

    [Fact]
    public async Task Svids_are_issued_below_the_issuers_root_and_its_key_is_nowhere()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        JsonObject? asked = null;
        await using var manager = new CertManager(cluster.Api, (request, spec) => CertManager.Issuing(root)(request, asked = spec));
        var replica = await LeadingAsync(cluster);
        await StartPodsAsync(cluster, replica);

        Assert.Equal("hello", await cluster.CallAsync());
        var view = replica.Mesh!.GetCertificates();
        Assert.Equal(("CN=corporate root", true), (Assert.Single(view.Roots).Subject, view.Given));
        Assert.Equal("""{"name":"corporate","kind":"ClusterIssuer","group":"cert-manager.io"}""", asked!["issuerRef"]!.ToJsonString());
        Assert.Equal(("true", "129600m"), (asked["isCA"]!.ToJsonString(), (string?)asked["duration"]));
        Assert.Empty(cluster.Api.Objects.List("certificaterequests", _ => true).Items);
        var kept = JsonNode.Parse(Convert.FromBase64String((string)cluster.Api.Objects.Read("secrets", ClusterNames.AuthoritySecret)!["data"]![ClusterNames.AuthorityKey]!))!;
        Assert.Equal("", (string?)Assert.Single(kept["roots"]!.AsArray())!["key"]);
        Assert.Contains("PRIVATE KEY", (string?)kept["signer"]!["key"]);
    }

    [Theory]
    [InlineData("denied", "denied 'aspiremesh-intermediate-", "policy: not for you")]
    [InlineData("failed", "failed with 'aspiremesh-intermediate-", "Failed: the vault is sealed")]
    [InlineData("invalid", "calls invalid 'aspiremesh-intermediate-", "usages are missing")]
    [InlineData("another key", "cannot be used", "for another key than the request's")]
    [InlineData("a leaf", "cannot be used", "no CA certificate. The issuer has to honour isCA")]
    [InlineData("no root", "cannot be used", "names no root")]
    [InlineData("another root", "cannot be used", "an SVID issued from it would be refused")]
    [InlineData("expired", "cannot be used", "it expired at")]
    [InlineData("garbage", "cannot be used", "it holds no certificate")]
    public async Task An_answer_that_is_no_ca_is_said_and_asked_for_again(string answer, string said, string reason)
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        await using var manager = new CertManager(cluster.Api, (request, _) => Wrong(answer, root, request));
        var replica = cluster.StartReplica("control-a", o => o with { Issuer = Issuer });

        await cluster.UntilAsync(() => cluster.Logs.Has(said) && cluster.Logs.Has(reason) && cluster.Logs.Has("MESH0308"));
        Assert.Null(replica.Mesh);
        manager.Reply = CertManager.Issuing(root);

        await cluster.UntilAsync(() => replica.Mesh is not null);
    }

    [Fact]
    public async Task A_request_that_is_pending_for_long_is_waited_for_and_that_is_said()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        await using var manager = new CertManager(cluster.Api, (_, _) => null);
        var replica = cluster.StartReplica("control-a", o => o with { Issuer = Issuer, IssuerPatience = TimeSpan.FromMilliseconds(100) });

        await cluster.UntilAsync(() => cluster.Logs.Has("nobody has approved it. It is waited for. See: kubectl describe certificaterequest aspiremesh-intermediate-"));
        manager.Reply = (_, _) => CertManager.Status(CertManager.Condition("Approved", "True", "cert-manager.io", ""), CertManager.Condition("Ready", "False", "Pending", "waiting for the order"));
        await cluster.UntilAsync(() => cluster.Logs.Has("Pending: waiting for the order. It is waited for."));
        Assert.Null(replica.Mesh);
        manager.Reply = CertManager.Issuing(root);

        await cluster.UntilAsync(() => replica.Mesh is not null);
    }

    [Fact]
    public async Task A_renewal_that_finds_another_root_is_a_rotation_by_overlap_and_requests_go_on()
    {
        using var root = CertManager.Root("corporate root");
        using var next = CertManager.Root("next root");
        await using var cluster = await Cluster.StartAsync();
        // Nine tenths of its life are over: it is due for renewal from the start, and nobody answers yet.
        var answers = 0;
        await using var manager = new CertManager(cluster.Api, (request, spec) =>
            Interlocked.Increment(ref answers) == 1 ? CertManager.Issuing(root, TimeSpan.FromHours(9), TimeSpan.FromHours(1))(request, spec) : null);
        var replica = await LeadingAsync(cluster);
        await StartPodsAsync(cluster, replica);
        Assert.Equal("hello", await cluster.CallAsync());

        manager.Reply = CertManager.Issuing(next);
        var wrong = new List<string>();
        while (replica.Mesh!.GetCertificates().Roots is not [{ Subject: "CN=next root" }])
        {
            if (await cluster.CallAsync() is var answer && answer != "hello") wrong.Add(answer);
        }

        Assert.Empty(wrong);
        Assert.Equal("hello", await cluster.CallAsync());
        Assert.All(replica.Mesh!.GetCertificates().Svids, s => Assert.Equal(replica.Mesh!.GetCertificates().Roots[0].Fingerprint, s.Root));
        cluster.MountBundle();
        Assert.Equal("CN=next root", X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(cluster.BundleFile, TestContext.Current.CancellationToken)).Subject);
    }

    [Fact]
    public async Task A_renewal_that_is_refused_leaves_what_is_there_in_use()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        var answers = 0;
        await using var manager = new CertManager(cluster.Api, (request, spec) => Interlocked.Increment(ref answers) == 1
            ? CertManager.Issuing(root, TimeSpan.FromHours(9), TimeSpan.FromHours(1))(request, spec)
            : CertManager.Status(CertManager.Condition("Denied", "True", "policy", "not any more")));
        var replica = await LeadingAsync(cluster);

        await cluster.UntilAsync(() => cluster.Logs.Has("could not be replaced") && cluster.Logs.Has("policy: not any more"));
        await StartPodsAsync(cluster, replica);

        Assert.Equal("hello", await cluster.CallAsync());
    }

    [Fact]
    public async Task Another_replica_takes_up_the_kept_intermediate_and_asks_for_none()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        await using var manager = new CertManager(cluster.Api, CertManager.Issuing(root));
        var first = await LeadingAsync(cluster);
        await StartPodsAsync(cluster, first);
        var second = cluster.StartReplica("control-b", o => o with { Issuer = Issuer });

        await first.StopAsync();
        await cluster.UntilAsync(() => second.Mesh is not null);

        Assert.Single(cluster.Api.Calls, c => c == "create certificaterequests");
        Assert.Equal("CN=corporate root", Assert.Single(second.Mesh!.GetCertificates().Roots).Subject);
        Assert.Equal("hello", await cluster.CallAsync());
    }

    [Fact]
    public async Task One_that_expired_while_nobody_led_is_not_used_and_another_is_asked_for()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        await using var manager = new CertManager(cluster.Api, CertManager.Issuing(root));
        var first = await LeadingAsync(cluster);
        await first.StopAsync();
        var secret = cluster.Api.Objects.Read("secrets", ClusterNames.AuthoritySecret)!;
        var kept = JsonNode.Parse(Convert.FromBase64String((string)secret["data"]![ClusterNames.AuthorityKey]!))!;
        using var key = ECDsa.Create();
        key.ImportFromPem((string)kept["signer"]!["key"]!);
        using var old = CertManager.Sign(root, CertificateFactory.IntermediateRequest(Protocol.Identity.TrustDomain.Parse("shop.mesh"), key), TimeSpan.FromHours(2), TimeSpan.FromHours(-1));
        kept["signer"]!["chain"] = old.ExportCertificatePem() + "\n" + root.ExportCertificatePem() + "\n";
        secret["data"]![ClusterNames.AuthorityKey] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kept.ToJsonString()));
        cluster.Api.Objects.Put("secrets", secret);

        var second = await LeadingAsync(cluster, "control-b");

        Assert.True(cluster.Logs.Has("The kept intermediate CA expired at"));
        await StartPodsAsync(cluster, second);
        Assert.Equal("hello", await cluster.CallAsync());
    }

    [Fact]
    public async Task A_mesh_with_a_ca_of_its_own_changes_over_to_the_issuer_and_nobody_is_cut_off()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        await using var manager = new CertManager(cluster.Api, CertManager.Issuing(root));
        var own = cluster.StartReplica("control-a");
        await cluster.UntilAsync(() => own.Mesh is not null);
        var successor = cluster.StartReplica("control-b", o => o with { Issuer = Issuer, PodMemory = TimeSpan.FromSeconds(12) });
        // The sidecars know the replica that stays.
        await StartPodsAsync(cluster, own, successor.Address);

        await own.StopAsync();
        await cluster.UntilAsync(() => successor.Mesh?.GetCertificates().Roots is [{ Subject: "CN=corporate root" }]);

        await cluster.UntilAsync(() => successor.Mesh!.Check().Healthy);
        Assert.Equal("hello", await cluster.CallAsync());
    }

    [Fact]
    public async Task Missing_permission_is_said_with_what_to_give()
    {
        using var root = CertManager.Root("corporate root");
        await using var cluster = await Cluster.StartAsync();
        await using var manager = new CertManager(cluster.Api, CertManager.Issuing(root));
        cluster.Api.Forbid("create", "certificaterequests");
        var replica = cluster.StartReplica("control-a", o => o with { Issuer = Issuer });

        await cluster.UntilAsync(() => cluster.Logs.Has("the verb 'create, get, delete' on 'certificaterequests.cert-manager.io'"));
        Assert.Null(replica.Mesh);
        cluster.Api.Allow("create", "certificaterequests");

        await cluster.UntilAsync(() => replica.Mesh is not null);
    }

    private static JsonObject Wrong(string answer, X509Certificate2 root, CertificateRequest request)
    {
        var day = TimeSpan.FromDays(1);
        switch (answer)
        {
            case "denied":
                return CertManager.Status(CertManager.Condition("Denied", "True", "policy", "not for you"));
            case "failed":
                return CertManager.Status(CertManager.Condition("Ready", "False", "Failed", "the vault is sealed"));
            case "invalid":
                return CertManager.Status(CertManager.Condition("InvalidRequest", "True", "usages", "usages are missing"));
            case "another key":
                using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256)) return CertManager.Issued(CertManager.Sign(root, CertificateFactory.IntermediateRequest(Protocol.Identity.TrustDomain.Parse("shop.mesh"), key), default, day), root);
            case "a leaf":
                request.CertificateExtensions.Remove(request.CertificateExtensions.First(e => e is X509BasicConstraintsExtension));
                return CertManager.Issued(CertManager.Sign(root, request, default, day), root);
            case "no root":
                return CertManager.Issued(CertManager.Sign(root, request, default, day), null);
            case "another root":
                return CertManager.Issued(CertManager.Sign(root, request, default, day), CertManager.Root("another root"));
            case "expired":
                return CertManager.Issued(CertManager.Sign(root, request, TimeSpan.FromHours(2), TimeSpan.FromHours(-1)), root);
            default:
                var garbage = CertManager.Issued(root, root);
                garbage["certificate"] = CertManager.Base64("certificate");
                return garbage;
        }
    }

    private static async Task<Replica> LeadingAsync(Cluster cluster, string pod = "control-a")
    {
        var replica = cluster.StartReplica(pod, o => o with { Issuer = Issuer, PodMemory = TimeSpan.FromSeconds(1) });
        await cluster.UntilAsync(() => replica.Mesh is not null);
        return replica;
    }

    private static async Task StartPodsAsync(Cluster cluster, Replica replica, string? control = null)
    {
        await cluster.StartAppAsync();
        cluster.PutApiPods(("api-6c9f", cluster.ApiAddress, true));
        cluster.MountBundle();
        var api = cluster.Sidecar("api", "api-6c9f", control ?? replica.Address);
        var web = cluster.Sidecar("web", "web-5d7b", control ?? replica.Address);
        await Task.WhenAll(api.StartAsync(CancellationToken.None), web.StartAsync(CancellationToken.None));
        await cluster.UntilAsync(() => replica.Mesh!.Check().Healthy);
    }
}
