using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Tool.Connecting;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh upgrade</c>: replaces sidecars' processes by ones of the executable that lies there now.</summary>
internal static class UpgradeCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var name = new Argument<string>("workload") { Description = "A workload, all of whose sidecars are replaced one after the other, or one sidecar." };
        var mesh = new MeshOption(terminal);
        var command = new Command("upgrade", "Replaces sidecars by the executable that lies there now, without losing a request; exits 1 if one was not.") { name };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var status = await client.GetStatusAsync(cancellationToken);
            var failed = false;
            foreach (var instance in Sidecars(status, parsed.GetValue(name)!))
            {
                var outcome = await client.UpgradeAsync(new UpgradeRequest { Instance = instance }, cancellationToken);
                failed |= outcome.Problem is not null;
                if (outcome.Problem is { } problem) await terminal.Error.WriteLineAsync(MeshDiagnostics.CannotUpgrade.Found($"Sidecar '{instance}' was not upgraded: {problem}.").ToString());
                else await terminal.Out.WriteLineAsync(Done(instance, outcome));
            }
            return failed ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static string Done(string instance, UpgradeOutcome outcome)
    {
        var version = outcome.Version is { Length: > 0 } runs ? $"; it runs version {runs}" : "";
        return outcome.Restarted
            ? $"restarted: {instance}, because this system cannot pass open ports on: requests under way were lost{version}"
            : $"replaced: {instance}, no request was lost{version}";
    }

    private static string[] Sidecars(MeshStatus status, string name)
    {
        string[] found = [.. status.Workloads.Where(w => w.Name == name || w.Identity.EndsWith($"/sa/{name}", StringComparison.Ordinal)).Select(w => w.Name)];
        if (found.Length > 0) return found;
        throw new MeshValidationException([MeshDiagnostics.UnknownWorkload.Found($"The mesh has no workload or sidecar '{name}'. It has: {string.Join(", ", status.Workloads.Select(w => w.Name))}. Type for example: aspiremesh upgrade {status.Workloads.FirstOrDefault()?.Name ?? "NAME"}")]);
    }
}
