using AspireMesh.Manifests.Yaml;
using AspireMesh.Hosting.Kubernetes.Rendering;

namespace AspireMesh.Hosting.Kubernetes.Tests.Rendering;

public class RenderingTests
{
    public static TheoryData<MeshBackend> Backends => [.. MeshRenderers.Backends];

    [Theory]
    [MemberData(nameof(Backends))]
    public void Every_policy_of_the_sample_has_a_verdict_in_every_mesh(MeshBackend backend)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement);
        Assert.All(rendering.Verdicts, v => Assert.False(string.IsNullOrWhiteSpace(v.Reason)));
        Assert.Equal(PolicyItems.Of(SampleMesh.Model).Count(), rendering.Verdicts.Length);
    }

    [Fact]
    public void The_sample_has_every_kind_of_policy()
    {
        var kinds = PolicyItems.Of(SampleMesh.Model).Select(i => i.Kind).ToHashSet();
        Assert.Equal(Enum.GetValues<PolicyKind>().Order(), kinds.Order());
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void The_whole_rendering_is_as_reviewed(MeshBackend backend)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement);
        var files = rendering.Objects.ToDictionary(o => o.FileName, o => ManifestYaml.Write(o.Body));
        if (rendering.Marks.Length > 0) files["marks.txt"] = string.Concat(rendering.Marks.Select(m => $"{m.Workload} {m.Place} {m.Key}: {m.Value}\n"));
        Snapshots.Verify($"Rendering/{backend}", files);
    }

    [Fact]
    public void The_report_is_as_reviewed()
    {
        var renderings = MeshRenderers.Backends.Select(b => MeshRenderers.Render(b, SampleMesh.Model, SampleMesh.Placement)).ToList();
        Snapshots.Verify("Rendering/Report", new() { ["mesh-report.md"] = MeshReport.ToMarkdown(renderings), ["mesh-report.json"] = MeshReport.ToJson(renderings) });
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Rendering_twice_gives_the_same_bytes(MeshBackend backend)
    {
        static string All(MeshRendering r) => string.Concat(r.Objects.Select(o => ManifestYaml.Write(o.Body)));
        Assert.Equal(
            All(MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement)),
            All(MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement)));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_rendering_holds_no_key_and_no_token(MeshBackend backend)
    {
        var rendering = MeshRenderers.Render(backend, SampleMesh.Model, SampleMesh.Placement);
        Assert.DoesNotContain(rendering.Objects.Select(o => ManifestYaml.Write(o.Body)), text => text.Contains("PRIVATE KEY") || text.Contains("aspiremesh1."));
    }

    [Fact]
    public void What_a_mesh_lacks_is_refused_without_our_sidecars_and_kept_with_them()
    {
        var without = MeshRenderers.Render(MeshBackend.Linkerd, SampleMesh.Model, SampleMesh.Placement);
        var with = MeshRenderers.Render(MeshBackend.Linkerd, SampleMesh.Model, SampleMesh.Placement, keepSidecars: true);
        Assert.True(without.HasLoss);
        Assert.False(with.HasLoss);
        Assert.All(without.Verdicts.Zip(with.Verdicts).Where(v => v.First.Kind == VerdictKind.Refused), v => Assert.Equal(VerdictKind.Kept, v.Second.Kind));
    }

    [Fact]
    public void A_renderer_that_forgets_a_policy_fails_with_its_name()
    {
        var session = new RenderSession(SampleMesh.Model, SampleMesh.Placement, keepSidecars: false);
        foreach (var item in session.Items.Skip(1)) session.Rendered(item, "x");
        var error = Assert.Throws<InvalidOperationException>(() => session.Finish(MeshBackend.Istio));
        Assert.Contains("Mtls of mesh", error.Message);
    }

    [Fact]
    public void Mesh_that_have_ended_say_so()
    {
        Assert.Contains(MeshRenderers.Render(MeshBackend.OpenServiceMesh, SampleMesh.Model, SampleMesh.Placement).Notices, n => n.Contains("has ended"));
        Assert.Contains(MeshRenderers.Render(MeshBackend.AppMesh, SampleMesh.Model, SampleMesh.Placement).Notices, n => n.Contains("has ended"));
    }
}
