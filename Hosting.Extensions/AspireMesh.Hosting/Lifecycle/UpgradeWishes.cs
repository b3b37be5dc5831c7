using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Upgrades of sidecars, whoever asks: the dashboard's command, or <c>aspiremesh upgrade</c> through the control plane.</summary>
internal sealed partial class UpgradeWishes(IServiceProvider services, SidecarUpgrades? upgrades, IReadOnlyDictionary<string, IMeshSidecarResource> sidecars, ILogger logger)
{
    /// <summary>Upgrades one sidecar. Where open ports cannot be passed on it is restarted, and that is said.</summary>
    public async Task<UpgradeOutcome> UpgradeAsync(string instance, CancellationToken cancellationToken)
    {
        if (upgrades is null || sidecars.GetValueOrDefault(instance) is not MeshSidecarProcessResource sidecar) return new UpgradeOutcome { Problem = "sidecars run inside the AppHost: start it again" };
        if (SidecarUpgrades.IsSupported) return new UpgradeOutcome { Problem = await upgrades.UpgradeAsync(instance, cancellationToken) };
        LogRestarted(logger, instance);
        var result = await services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(sidecar, KnownResourceCommands.RestartCommand, cancellationToken);
        return new UpgradeOutcome { Restarted = true, Problem = result.Success ? null : result.Message ?? "the host gives no reason" };
    }

    /// <summary>Carries out what the control plane is asked for, until the application ends.</summary>
    public async Task FollowAsync(IMeshControl control, CancellationToken cancellationToken)
    {
        try
        {
            // Not one after the other: an upgrade waits for as long as requests run on the old process.
            while (true) _ = CarryOutAsync(control, await control.NextUpgradeAsync(cancellationToken), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogEnded(logger);
        }
    }

    private async Task CarryOutAsync(IMeshControl control, UpgradeTicket ticket, CancellationToken cancellationToken)
    {
        UpgradeOutcome outcome;
        try
        {
            outcome = await UpgradeAsync(ticket.Instance, cancellationToken);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            outcome = new UpgradeOutcome { Problem = e.Message.TrimEnd('.') };
        }
        try
        {
            await control.AnswerUpgradeAsync(ticket.Id, outcome, cancellationToken);
        }
        catch (Exception e) when (e is MeshValidationException or OperationCanceledException)
        {
            LogUnheard(logger, ticket.Instance, e.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "This system cannot pass open ports from process to process: the sidecar '{Instance}' is restarted, and requests under way are lost.")]
    private static partial void LogRestarted(ILogger logger, string instance);

    [LoggerMessage(2, LogLevel.Warning, "Who asked for the upgrade of '{Instance}' could not be told what became of it: {Reason}")]
    private static partial void LogUnheard(ILogger logger, string instance, string reason);

    [LoggerMessage(3, LogLevel.Debug, "No more upgrades: the application ends.")]
    private static partial void LogEnded(ILogger logger);
}
