using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Hosting.Kubernetes.Tests.Rendering;

/// <summary>What other meshes can express of each kind of fault, and that none is handed to them that would hit more than it was meant for.</summary>
public class FaultVerdictTests
{
    private static readonly MeshBackend[] s_withFaults = [MeshBackend.Istio, MeshBackend.OpenShiftServiceMesh, MeshBackend.Kuma];

    public static TheoryData<string> Kinds { get; } = new(FaultKinds.All);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_kind_has_a_verdict_in_every_mesh(string kind)
    {
        var rule = new FaultRule { Id = "f", To = "api", Fault = new Fault { Kind = kind, Status = kind == FaultKinds.Abort ? 503 : 0, Delay = TimeSpan.FromSeconds(1) } };
        foreach (var backend in MeshRenderers.Backends)
        {
            var (verdict, objects) = Render(backend, rule);
            var expressed = kind is FaultKinds.Abort or FaultKinds.Delay && s_withFaults.Contains(backend);
            Assert.True(expressed == (verdict.Kind == VerdictKind.Approximated), $"{backend}: {verdict.Kind} {verdict.Reason}");
            Assert.Equal(expressed, objects.Contains("percentage", StringComparison.Ordinal));
        }
    }

    public static TheoryData<string> Narrowed { get; } = ["match", "first", "every", "burst", "skip", "max", "spread"];

    [Theory]
    [MemberData(nameof(Narrowed))]
    public void What_would_hit_more_than_it_was_meant_for_is_not_handed_on(string how)
    {
        var rule = new FaultRule { Id = "f", To = "api", Fault = new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromSeconds(1) } };
        rule = how switch
        {
            "match" => rule with { Match = new RouteMatch { Methods = ["POST"] } },
            "first" => rule with { Activation = new() { First = 1 } },
            "every" => rule with { Activation = new() { EveryNth = 2 } },
            "burst" => rule with { Activation = new() { BurstLength = 1, BurstPeriod = 9 } },
            "skip" => rule with { Activation = new() { Skip = 5 } },
            "max" => rule with { Activation = new() { MaxFires = 5 } },
            _ => rule with { Fault = rule.Fault with { Distribution = "pareto" } },
        };
        foreach (var backend in s_withFaults)
        {
            var (verdict, objects) = Render(backend, rule);
            Assert.NotEqual(VerdictKind.Approximated, verdict.Kind);
            Assert.DoesNotContain("percentage", objects, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Without_the_second_word_of_the_apphost_no_fault_is_published()
    {
        var rule = new FaultRule { Id = "f", To = "api", Fault = new Fault { Kind = FaultKinds.Abort, Status = 503 } };
        foreach (var backend in MeshRenderers.Backends)
        {
            var (verdict, objects) = Render(backend, rule, allowed: false);
            Assert.Equal(VerdictKind.Refused, verdict.Kind);
            Assert.Contains(".WithPublishedChaos()", verdict.Reason);
            Assert.DoesNotContain("percentage", objects, StringComparison.Ordinal);
        }
    }

    private static (PolicyVerdict Verdict, string Objects) Render(MeshBackend backend, FaultRule rule, bool allowed = true)
    {
        // The sample's mirroring has percentages of its own.
        var model = SampleMesh.Model with
        {
            ChaosEnabled = allowed,
            Faults = [rule],
            Edges = [.. SampleMesh.Model.Edges.Select(e => e with { Policies = e.Policies with { Mirror = null, Routes = [.. e.Policies.Routes.Select(r => r with { Mirror = null })] } })],
        };
        var rendering = MeshRenderers.Render(backend, model, SampleMesh.Placement);
        return (rendering.Verdicts.Single(v => v.Item.Kind == PolicyKind.Fault), string.Concat(rendering.Objects.Select(o => ManifestYaml.Write(o.Body))));
    }
}
