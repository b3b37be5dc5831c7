using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>What a user can do to a sidecar in the dashboard, besides starting and stopping it.</summary>
internal static class SidecarCommands
{
    /// <summary>Names the command that renews the SVID.</summary>
    public const string RenewName = "mesh-renew";

    /// <summary>Renews the sidecar's SVID now.</summary>
    public static ResourceCommandAnnotation Renew(SidecarPlan sidecar) => new(
        RenewName,
        "Renew certificate",
        context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
        async context =>
        {
            await context.Services.GetRequiredService<MeshRuntime>().RenewAsync(sidecar.Instance, context.CancellationToken);
            return CommandResults.Success();
        },
        "Gets a new SVID from the control plane; connections stay.",
        parameter: null,
        confirmationMessage: null,
        iconName: "Certificate",
        iconVariant: IconVariant.Regular,
        isHighlighted: false);
}
