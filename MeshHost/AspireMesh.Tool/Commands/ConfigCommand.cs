using System.CommandLine;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh config WORKLOAD</c>: the snapshot that a sidecar should obey.</summary>
internal static class ConfigCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var instance = new Argument<string>("workload") { Description = "The workload, or the sidecar where it has several." };
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("config", "Shows the snapshot a sidecar should obey, as JSON, without secrets.") { instance, json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var snapshot = await client.GetConfigAsync(parsed.GetRequiredValue(instance), cancellationToken);
            // A snapshot is a document, so it is shown as one with and without --json.
            await terminal.Out.WriteLineAsync(JsonOutput.Document(snapshot));
            return ExitCodes.Ok;
        });
        return command;
    }
}
