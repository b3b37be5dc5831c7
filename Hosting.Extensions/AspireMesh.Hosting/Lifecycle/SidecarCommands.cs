using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>What a user can do to a sidecar in the dashboard, besides starting and stopping it.</summary>
internal static class SidecarCommands
{
    /// <summary>Names the command that renews the SVID.</summary>
    public const string RenewName = "mesh-renew";

    /// <summary>Names the command that replaces the process.</summary>
    public const string UpgradeName = "mesh-upgrade";

    /// <summary>Replaces the sidecar's process by one of the executable that lies there now. Where open ports cannot be passed on, it is restarted, and that is said.</summary>
    public static ResourceCommandAnnotation Upgrade(MeshSidecarProcessResource sidecar) => new(
        UpgradeName,
        "Upgrade",
        context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
        async context =>
        {
            var outcome = await context.Services.GetRequiredService<MeshRuntime>().UpgradeAsync(sidecar.Instance, context.CancellationToken);
            return outcome.Problem is null ? CommandResults.Success() : CommandResults.Failure($"The sidecar '{sidecar.Instance}' was not upgraded: {outcome.Problem}.");
        },
        "Replaces its process by one of the executable that lies there now; no request is lost.",
        parameter: null,
        confirmationMessage: null,
        iconName: "ArrowCircleUp",
        iconVariant: IconVariant.Regular,
        isHighlighted: false);

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
