using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Benchmarks.Footprint;

/// <summary>A sidecar's process, timed from its start until it says it is ready.</summary>
internal sealed class MeasuredSidecar(string name, Process process, double readyMs) : IAsyncDisposable
{
    public static async Task<MeasuredSidecar> StartAsync(SidecarBootstrap bootstrap, string folder)
    {
        var file = Path.Combine(folder, $"{bootstrap.Instance}.bootstrap");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(bootstrap, MeshJson.Default.SidecarBootstrap));
        var (command, arguments) = ProxyCommand.Find();
        var info = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true };
        info.Environment[SidecarBootstrap.FileVariable] = file;
        var clock = Stopwatch.StartNew();
        var process = Process.Start(info) ?? throw new InvalidOperationException($"{command} could not be started");
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("aspiremesh-proxy ready", StringComparison.Ordinal)) return new MeasuredSidecar(bootstrap.Instance, process, clock.Elapsed.TotalMilliseconds);
        }
        await process.WaitForExitAsync();
        throw new InvalidOperationException($"the sidecar '{bootstrap.Instance}' ended with exit code {process.ExitCode} before it was ready");
    }

    public FootprintRow Measure() => new(name, Read("Pss:"), Read("Anonymous:"), Read("Rss:"), readyMs);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private double Read(string field)
    {
        var line = File.ReadLines($"/proc/{process.Id}/smaps_rollup").First(l => l.StartsWith(field, StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
