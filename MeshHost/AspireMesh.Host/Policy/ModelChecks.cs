using System.Collections.Immutable;
using AspireMesh.Host.Policy.Rules;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy;

/// <summary>Whether a model can work. All rules run, so that every problem is reported at once.</summary>
internal static class ModelChecks
{
    private static readonly ImmutableArray<IModelRule> Rules =
    [
        new MeshRule(), new NamesRule(), new ReferencesRule(), new AddressesRule(), new EdgePoliciesRule(), new InboundPoliciesRule(), new GatewaysRule(), new FaultsRule(),
    ];

    /// <summary>Everything that is wrong with a model; empty when it can work.</summary>
    public static ImmutableArray<MeshProblem> Run(MeshModel model)
    {
        var problems = new ProblemList();
        foreach (var rule in Rules) rule.Check(model, problems);
        return problems.ToImmutable();
    }
}
