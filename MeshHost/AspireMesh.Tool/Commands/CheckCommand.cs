using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh check</c>: exits 0 when every workload is healthy, has its SVID and has acknowledged its snapshot.</summary>
internal static class CheckCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public static Command Create(ToolTerminal terminal)
    {
        var wait = new Option<double>("--wait") { Description = "Keep looking for this many seconds until all is well.", CustomParser = Seconds };
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("check", "Says whether the mesh is well; exits 1 and names what is wrong otherwise.") { wait, json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var result = await WaitAsync(() => LookAsync(parsed, mesh, cancellationToken), TimeSpan.FromSeconds(parsed.GetValue(wait)), terminal.Time, cancellationToken);
            Print(result, parsed.GetValue(json), terminal);
            return result.Healthy ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    private static double Seconds(ArgumentResult argument)
    {
        if (double.TryParse(argument.Tokens[0].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= 86400) return seconds;
        argument.AddError("--wait takes seconds from 0 to 86400, for example --wait 90");
        return 0;
    }

    private static async Task<CheckResult> WaitAsync(Func<Task<CheckResult>> look, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var result = await look();
            if (result.Healthy || time.GetElapsedTime(start) >= limit) return result;
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    // A mesh that is not there yet is only one more thing to wait for.
    private static async Task<CheckResult> LookAsync(ParseResult parsed, MeshOption mesh, CancellationToken cancellationToken)
    {
        try
        {
            using var client = mesh.Connect(parsed);
            return await client.CheckAsync(cancellationToken);
        }
        catch (MeshValidationException e)
        {
            return new CheckResult { Healthy = false, Problems = e.Problems };
        }
    }

    private static void Print(CheckResult result, bool json, ToolTerminal terminal)
    {
        if (json)
        {
            terminal.Out.WriteLine(JsonOutput.Document(result));
            return;
        }
        foreach (var problem in result.Problems) terminal.Error.WriteLine(problem.ToString());
        foreach (var note in result.Notes.IsDefault ? [] : result.Notes) terminal.Out.WriteLine($"note: {note}");
        if (result.Healthy) terminal.Out.WriteLine("ok: every workload is healthy, has its SVID and obeys its snapshot");
    }
}
