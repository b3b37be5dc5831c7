using System.Collections.Immutable;
using System.Globalization;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Commands on the mesh's row that move the weight of a traffic split, for a staged roll-out by hand.</summary>
internal static class SplitCommands
{
    private static readonly ImmutableArray<int> Steps = [0, 10, 50, 100];

    /// <summary>The commands for every split with more than one leg.</summary>
    public static IEnumerable<ResourceCommandAnnotation> Of(MeshModel model) =>
        from edge in model.Edges
        from route in edge.Policies.Routes
        where route.Split.Length > 1
        from leg in route.Split.Skip(1)
        from percent in Steps
        select Command(edge, route, Name(edge, leg), percent);

    /// <summary>The name of one command.</summary>
    public static string NameOf(string from, string to, string leg, int percent) => string.Create(CultureInfo.InvariantCulture, $"mesh-split-{from}-{to}-{leg}-{percent}");

    private static string Name(EdgeModel edge, TrafficSplitLeg leg) => leg.Subset.Count > 0 ? string.Join(',', leg.Subset.Select(l => $"{l.Key}={l.Value}")) : leg.Workload ?? edge.To;

    private static ResourceCommandAnnotation Command(EdgeModel edge, RoutePolicy route, string leg, int percent)
    {
        var change = new SplitChange { From = edge.From, To = edge.To, Endpoint = edge.Endpoint, Route = route.Name, Leg = leg, Percent = percent };
        return new ResourceCommandAnnotation(
            NameOf(edge.From, edge.To, leg, percent),
            $"{edge.From} to {edge.To}: {percent} % to {leg}",
            context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
            async context =>
            {
                try
                {
                    await context.Services.GetRequiredService<MeshRuntime>().MoveSplitAsync(change, context.CancellationToken);
                    return CommandResults.Success();
                }
                catch (MeshValidationException e)
                {
                    return CommandResults.Failure(e);
                }
            },
            "Moves the weight of this leg; the others share the rest.",
            parameter: null,
            confirmationMessage: null,
            iconName: "BranchFork",
            iconVariant: IconVariant.Regular,
            isHighlighted: false);
    }
}
