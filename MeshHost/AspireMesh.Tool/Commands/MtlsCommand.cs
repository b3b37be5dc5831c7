using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Tool.Connecting;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh mtls</c>: shows or changes how inbound listeners treat plaintext.</summary>
internal static class MtlsCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var mode = new Argument<MtlsMode?>("mode") { Description = "strict, permissive or disabled; without it, the mode is shown.", Arity = ArgumentArity.ZeroOrOne };
        var force = new Option<bool>("--force") { Description = "Go strict although callers still use plaintext." };
        var mesh = new MeshOption(terminal);
        var command = new Command("mtls", "Shows or changes how plaintext is treated, on the running mesh.") { mode, force };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            if (parsed.GetValue(mode) is { } wanted) await client.SetMtlsAsync(new MtlsChange { Mode = wanted, Force = parsed.GetValue(force) }, cancellationToken);
            await terminal.Out.WriteLineAsync((await client.GetStatusAsync(cancellationToken)).Mtls);
            return ExitCodes.Ok;
        });
        return command;
    }
}
