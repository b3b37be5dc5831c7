using AspireMesh.EndToEnd.Tests.Running;
using AspireMesh.TestKit;

namespace AspireMesh.EndToEnd.Tests.Shop;

/// <summary>What the inbound ports of the shop's pods let in: only who has a reference, proved by this mesh's CA, now.</summary>
[Collection(ShopRehearsalCollection.Name)]
public sealed class RehearsedRefusalTests(ShopRehearsal fixture)
{
    [Fact]
    public async Task No_inbound_port_answers_plaintext_or_a_certificate_that_is_none_of_this_mesh()
    {
        var shop = (RehearsedShop)await fixture.GetAsync();
        var own = await shop.AuthorityAsync();
        var other = new TestCertificates(own.TrustDomain);
        foreach (var workload in (await shop.StatusAsync()).Workloads)
        {
            Assert.Equal("", await InboundPort.PlaintextAsync(workload.Inbound!));
            Assert.Equal("", await InboundPort.AskAsync(workload.Inbound!, null));
            Assert.Equal("", await InboundPort.AskAsync(workload.Inbound!, other.Svid("frontend")));
            Assert.Equal("", await InboundPort.AskAsync(workload.Inbound!, own.Issue(new SvidShape { Uris = [own.IdOf("frontend")], NotBefore = own.Now.AddHours(-2), NotAfter = own.Now.AddHours(-1) })));
        }
    }

    [Fact]
    public async Task A_workload_without_a_reference_gets_nothing_where_one_with_a_reference_gets_an_answer()
    {
        var shop = (RehearsedShop)await fixture.GetAsync();
        var own = await shop.AuthorityAsync();
        var orders = (await shop.StatusAsync()).Workloads.First(w => w.Name.StartsWith("orders", StringComparison.Ordinal)).Inbound!;
        Assert.StartsWith("HTTP/1.1 200", await InboundPort.AskAsync(orders, own.Svid("frontend")), StringComparison.Ordinal);
        foreach (var stranger in new[] { "catalog", "payments", "cache", "orders", "nobody" }) Assert.DoesNotContain("200", await InboundPort.AskAsync(orders, own.Svid(stranger)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Aspiremesh_reaches_the_control_plane_as_it_would_in_a_cluster()
    {
        var shop = (RehearsedShop)await fixture.GetAsync();
        string[] cluster = ["--kubeconfig", shop.Kubeconfig, "--context", "rehearsal", "--namespace", "default"];
        var check = await shop.MeshAsync(["check", "--wait", "90", .. cluster]);
        Assert.True(check.ExitCode == 0, check.ToString());
        var status = await shop.MeshAsync(["status", "--json", .. cluster]);
        Assert.Contains("spiffe://shop.apphost.mesh/ns/default/sa/orders", status.Output, StringComparison.Ordinal);

        var nowhere = await shop.MeshAsync(["check", "--kubeconfig", shop.Kubeconfig, "--context", "nowhere"]);
        Assert.Equal(1, nowhere.ExitCode);
        Assert.Contains("kubectl config get-contexts", nowhere.Errors, StringComparison.Ordinal);
    }
}
