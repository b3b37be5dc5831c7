using System.CommandLine;
using AspireMesh.Protocol.Admin;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;
using AspireMesh.Tool.Verifying;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh certs</c>: roots and SVIDs; <c>rotate</c>, <c>renew</c> and <c>verify</c> them.</summary>
internal static class CertsCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("certs", "Shows roots and SVIDs.") { json, Rotate(terminal), Renew(terminal), Verify(terminal) };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var view = await client.GetCertificatesAsync(cancellationToken);
            if (parsed.GetValue(json)) await terminal.Out.WriteLineAsync(JsonOutput.Document(view));
            else Print(view, terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Rotate(ToolTerminal terminal)
    {
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("rotate", "Replaces the root, step by step, while everything runs.") { json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var view = await client.RotateRootAsync(cancellationToken);
            if (parsed.GetValue(json)) await terminal.Out.WriteLineAsync(JsonOutput.Document(view));
            else await terminal.Out.WriteLineAsync($"rotated: the root is now {Short(view.Roots[^1].Fingerprint)}, and every sidecar has an SVID of it");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Renew(ToolTerminal terminal)
    {
        var instance = new Argument<string?>("sidecar") { Description = "One sidecar; without it, all.", Arity = ArgumentArity.ZeroOrOne };
        var mesh = new MeshOption(terminal);
        var command = new Command("renew", "Asks sidecars to renew their SVIDs now.") { instance };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            await client.RenewAsync(new RenewChange { Instance = parsed.GetValue(instance) }, cancellationToken);
            await terminal.Out.WriteLineAsync("asked; see the new ends of life with: aspiremesh certs");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Verify(ToolTerminal terminal)
    {
        var mesh = new MeshOption(terminal);
        var command = new Command("verify", "Connects to every inbound listener and checks the SVID it presents; exits 1 if one is wrong.");
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = mesh.Connect(parsed);
            var view = await client.GetCertificatesAsync(cancellationToken);
            var status = await client.GetStatusAsync(cancellationToken);
            var verifier = new SvidProbe(view, terminal.Time);
            var failed = false;
            foreach (var workload in status.Workloads)
            {
                var problem = await verifier.CheckAsync(workload, cancellationToken);
                failed |= problem is not null;
                if (problem is null) await terminal.Out.WriteLineAsync($"ok: {workload.Name} presents {workload.Identity}");
                else await terminal.Error.WriteLineAsync(problem.ToString());
            }
            return failed ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static void Print(CertificatesView view, ToolTerminal terminal)
    {
        var now = terminal.Time.GetUtcNow();
        terminal.Out.WriteLine($"trust domain {view.TrustDomain}, {(view.WorkloadApi is { } api ? $"identities from the Workload API at {api}" : view.Given ? "CA given" : "CA built in")}");
        if (view.Rotation is { } step) terminal.Out.WriteLine($"rotation: {step}");
        var roots = Tables.Create("root", "subject", "left", "issues");
        foreach (var root in view.Roots) roots.Row(Short(root.Fingerprint), root.Subject, Tables.Left(root.Expires, now), root.Issuing ? "yes" : "no");
        terminal.Console.Write(roots);
        var svids = Tables.Create("sidecar", "identity", "left", "root");
        foreach (var svid in view.Svids) svids.Row(svid.Instance, svid.Identity, Tables.Left(svid.Expires, now), svid.Root is null ? "-" : Short(svid.Root));
        terminal.Console.Write(svids);
        if (view.Joins.Count > 0) terminal.Out.WriteLine("joins: " + string.Join(", ", view.Joins.OrderBy(j => j.Key, StringComparer.Ordinal).Select(j => $"{j.Key} {j.Value}")));
    }

    private static string Short(string fingerprint) => fingerprint[..Math.Min(16, fingerprint.Length)];
}
