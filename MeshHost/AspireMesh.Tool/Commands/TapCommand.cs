using System.CommandLine;
using System.Globalization;
using AspireMesh.Protocol.Admin;
using AspireMesh.Tool.Connecting;
using AspireMesh.Tool.Output;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh tap</c>: requests as they end.</summary>
internal static class TapCommand
{
    public static Command Create(ToolTerminal terminal)
    {
        var from = new Option<string?>("--from") { Description = "Only this caller." };
        var to = new Option<string?>("--to") { Description = "Only this callee." };
        var path = new Option<string?>("--path") { Description = "Only paths that begin so." };
        var method = new Option<string?>("--method") { Description = "Only this method." };
        var status = new Option<int>("--min-status") { Description = "Only answers of at least this status, for example 500." };
        var count = new Option<long>("--count") { Description = "End after this many; 0 goes on until Ctrl+C." };
        var json = JsonOutput.Option();
        var mesh = new MeshOption(terminal);
        var command = new Command("tap", "Shows requests as they end.") { from, to, path, method, status, count, json };
        mesh.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var filter = new TapFilter
            {
                From = parsed.GetValue(from),
                To = parsed.GetValue(to),
                Path = parsed.GetValue(path),
                Method = parsed.GetValue(method),
                MinStatus = parsed.GetValue(status),
            };
            using var client = mesh.Connect(parsed);
            var (asJson, left) = (parsed.GetValue(json), parsed.GetValue(count));
            try
            {
                await foreach (var tapped in client.TapAsync(filter, cancellationToken))
                {
                    await terminal.Out.WriteLineAsync(asJson ? JsonOutput.OneLine(tapped) : Text(tapped));
                    if (--left == 0) break;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl+C is how a tap ends.
                return ExitCodes.Ok;
            }
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Text(TapEvent e)
    {
        var what = e.Method is null ? "tcp" : $"{e.Method} {e.Path}";
        var status = e.GrpcStatus is { } grpc ? $"{e.Status}/grpc {grpc}" : e.Status == 0 ? "-" : $"{e.Status}";
        var attempts = e.Attempts > 1 ? $" {e.Attempts} attempts" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{e.At:HH:mm:ss.fff} {e.From} -> {e.To}.{e.Endpoint} {what} {status} {e.DurationMs:0.00} ms{attempts} {e.Destination} {e.Flags} {e.TraceId}").TrimEnd();
    }
}
