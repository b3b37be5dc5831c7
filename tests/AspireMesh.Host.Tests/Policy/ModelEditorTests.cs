using System.Collections;
using System.Collections.Immutable;
using AspireMesh.Host.Policy;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Host.Tests.Policy;

/// <summary>What a policy document changes about a running model, and what it leaves.</summary>
public class ModelEditorTests
{
    private static readonly EdgePolicies s_everything = new()
    {
        Routes = [new RoutePolicy { Name = "r" }],
        TlsRoutes = [new TlsRoute { Name = "t", ServerNames = ["a.test"], Split = [new TrafficSplitLeg { Weight = 1 }] }],
        Timeouts = new(),
        Retry = new(),
        Hedging = new(),
        LoadBalancing = new(),
        HealthCheck = new(),
        OutlierDetection = new(),
        CircuitBreaker = new(),
        Limits = new(),
        Mirror = new MirrorPolicy { Workload = "web", Endpoint = "http" },
    };

    public static TheoryData<string> PoliciesOfAnEdge => [.. typeof(EdgePolicies).GetProperties().Where(p => p.SetMethod is not null).Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(PoliciesOfAnEdge))]
    public void A_policy_that_a_document_leaves_out_stays(string policy) => Assert.True(IsSet(Change(s_everything, new EdgePolicies()), policy));

    [Theory]
    [MemberData(nameof(PoliciesOfAnEdge))]
    public void A_policy_that_a_document_gives_is_taken(string policy) => Assert.True(IsSet(Change(new EdgePolicies(), s_everything), policy));

    [Fact]
    public void Weights_of_sidecars_can_be_given_and_the_others_stay()
    {
        var changed = ModelEditor.Apply(Replicas, Weights(("api-1", 0.25)));
        Assert.Equal([2, 0.25], changed.Workloads.Single(w => w.Name == "api").Sidecars.Select(s => s.Weight));
    }

    [Fact]
    public void A_weight_for_a_sidecar_that_is_not_there_is_refused_with_those_that_are()
    {
        var refused = Assert.Throws<MeshValidationException>(() => ModelEditor.Apply(Replicas, Weights(("api-1", 3), ("api-7", 1), ("web", 1))));
        Assert.Equal(2, refused.Problems.Length);
        Assert.All(refused.Problems, p => Assert.Contains("api-0, api-1", p.ToString()));
        Assert.Contains("'api-7'", refused.Problems[0].ToString());
    }

    private static MeshModel Replicas => Meshes.Shop.WithWorkload("api", w => w with
    {
        Sidecars =
        [
            new SidecarModel { Instance = "api-0", Inbound = "127.0.0.1:1100", Admin = "127.0.0.1:1101", Weight = 2 },
            new SidecarModel { Instance = "api-1", Inbound = "127.0.0.1:1102", Admin = "127.0.0.1:1103" },
        ],
    });

    private static PolicyDocument Weights(params (string Instance, double Weight)[] weights) =>
        new() { Workloads = [new WorkloadPolicyEntry { Name = "api", Weights = weights.ToImmutableDictionary(w => w.Instance, w => w.Weight) }] };

    private static EdgePolicies Change(EdgePolicies old, EdgePolicies given)
    {
        var model = Meshes.Shop.WithEdge("web", "api", e => e with { Policies = old });
        return ModelEditor.Apply(model, new PolicyDocument { Edges = [new EdgePolicyEntry { From = "web", To = "api", Policies = given }] }).Edges.Single(e => e.From == "web" && e.To == "api").Policies;
    }

    private static bool IsSet(EdgePolicies policies, string name) => typeof(EdgePolicies).GetProperty(name)!.GetValue(policies) switch
    {
        null => false,
        IEnumerable many => many.Cast<object>().Any(),
        _ => true,
    };
}
