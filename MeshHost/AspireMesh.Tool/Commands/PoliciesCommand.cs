using System.CommandLine;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Tool.Connecting;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh policies apply FILE</c>: applies a policy document to the running mesh.</summary>
internal static class PoliciesCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var file = new Argument<string>("file") { Description = "The policy document (JSON)." };
        var mesh = new MeshOption(terminal);
        var apply = new Command("apply", "Applies a policy document to the running mesh, as a whole or not at all.") { file };
        mesh.AddTo(apply);
        apply.SetAction(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetRequiredValue(file);
            var json = await ReadAsync(path, cancellationToken);
            using var client = mesh.Connect(parsed);
            await client.ApplyPoliciesAsync(json, cancellationToken);
            await terminal.Out.WriteLineAsync($"{path} is in force");
            return ExitCodes.Ok;
        });
        return new Command("policies", "Policy documents.") { apply };
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MeshValidationException([MeshDiagnostics.BadDocument.Found($"'{path}' cannot be read: {e.Message} Give the path of a policy document.")]);
        }
    }
}
