using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Hosting.Kubernetes.Tests.Validating;

namespace AspireMesh.Hosting.Kubernetes.Tests.Rendering;

/// <summary>The report over a mesh that uses every policy: one verdict for each, none for anything else, and a verdict that names a resource has one to show.</summary>
public partial class VerdictTests
{
    public static TheoryData<MeshBackend, bool> Cases => [.. from backend in MeshRenderers.Backends from kept in new[] { false, true } select (backend, kept)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_policy_has_exactly_one_verdict_and_every_verdict_a_policy(MeshBackend backend, bool keepSidecars)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement, keepSidecars);
        Assert.Equal(PolicyItems.Of(SampleMesh.Model).Select(NameOf), rendering.Verdicts.Select(v => NameOf(v.Item)));
        Assert.Equal(rendering.Verdicts.Length, rendering.Verdicts.Select(v => NameOf(v.Item)).Distinct().Count());

        var report = JsonNode.Parse(MeshReport.ToJson([rendering]))!["backends"]![0]!;
        Assert.Equal(rendering.Verdicts.Select(v => $"{NameOf(v.Item)} {v.Kind} {v.Reason}"), report["verdicts"]!.AsArray().Select(v => $"{v!["policy"]} of {v["subject"]} {v["detail"]} {Enum.Parse<VerdictKind>(v["verdict"]!.ToString(), ignoreCase: true)} {v["reason"]}"));
        Assert.Equal(rendering.Verdicts.Any(v => v.Kind == VerdictKind.Refused), report["loss"]!.GetValue<bool>());
        Assert.Equal(rendering.Verdicts.Length, MeshReport.ToMarkdown([rendering]).Split('\n').Count(l => l.StartsWith("| ", StringComparison.Ordinal)) - 1);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_verdict_that_names_a_resource_has_one_to_show(MeshBackend backend, bool keepSidecars)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement, keepSidecars);
        var kinds = MeshKinds.All.Select(k => k[(k.LastIndexOf('/') + 1)..]).ToHashSet();
        var made = rendering.Objects.Select(o => o.Kind).ToHashSet();
        foreach (var verdict in rendering.Verdicts.Where(v => v.Kind is VerdictKind.Rendered or VerdictKind.Approximated))
        {
            foreach (var named in Word().Matches(verdict.Reason).Select(m => m.Value).Where(kinds.Contains)) Assert.True(made.Contains(named), $"{NameOf(verdict.Item)}: '{verdict.Reason}', and there is no {named}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Nothing_is_lost_where_our_sidecars_stay_and_what_is_between_them_is_theirs(MeshBackend backend, bool keepSidecars)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement, keepSidecars);
        if (!keepSidecars)
        {
            Assert.DoesNotContain(rendering.Verdicts, v => v.Kind == VerdictKind.Kept);
            return;
        }
        Assert.False(rendering.HasLoss);
        Assert.All(rendering.Verdicts, v => Assert.True(v.Kind == VerdictKind.Kept || v.Item.Kind is PolicyKind.Gateway or PolicyKind.ExternalService or PolicyKind.EgressControl, $"{NameOf(v.Item)} is {v.Kind}"));
        // The other mesh's proxies leave our tunnel alone, or two proxies would refuse each other; a mesh without proxies of its own has none to tell.
        if (backend is MeshBackend.GatewayApi or MeshBackend.NetworkServiceMesh) return;
        foreach (var workload in SampleMesh.Model.Workloads) Assert.Contains(rendering.Marks, m => m.Workload == workload.Name && (m.Value.Contains("15006", StringComparison.Ordinal) || m.Value == "none"));
    }

    private static string NameOf(PolicyItem item) => $"{item.Kind} of {item.Subject} {item.Detail}";

    [GeneratedRegex("[A-Z][A-Za-z]+", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
