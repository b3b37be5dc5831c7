using System.Diagnostics;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Tests.Executable;

/// <summary>The executable as an AppHost starts it: the ahead-of-time build where ASPIREMESH_PROXY names one, else this build's own.</summary>
internal sealed class ProxyProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private ProxyProcess(Process process, string folder, string? file) => (_process, _folder, File) = (process, folder, file);

    /// <summary>The bootstrap file it was given.</summary>
    public string? File { get; }

    public int Id => _process.Id;

    public StreamReader Output => _process.StandardOutput;

    public static ProxyProcess Start(SidecarBootstrap bootstrap) => StartWith(JsonSerializer.Serialize(bootstrap, MeshJson.Default.SidecarBootstrap));

    /// <summary>Starts it with a file of this text; without a file for null.</summary>
    public static ProxyProcess StartWith(string? text)
    {
        var folder = Directory.CreateTempSubdirectory("aspiremesh-exe-").FullName;
        var file = text is null ? null : Path.Combine(folder, "bootstrap.json");
        if (file is not null) System.IO.File.WriteAllText(file, text);
        var info = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Environment.GetEnvironmentVariable("ASPIREMESH_PROXY") is { Length: > 0 } native) info.FileName = native;
        else
        {
            info.FileName = "dotnet";
            info.ArgumentList.Add(Built());
        }
        info.Environment[SidecarBootstrap.FileVariable] = file ?? "";
        return new ProxyProcess(Process.Start(info)!, folder, file);
    }

    public async Task ReadyAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await Output.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("aspiremesh-proxy ready", StringComparison.Ordinal)) return;
        }
        throw new InvalidOperationException($"it ended before it was ready: {await _process.StandardError.ReadToEndAsync(patience.Token)}");
    }

    /// <summary>Asks it to end, as an AppHost does.</summary>
    public async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Its exit code, and what it wrote to standard error except the log.</summary>
    public async Task<(int Code, string[] Errors)> EndAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var errors = await _process.StandardError.ReadToEndAsync(patience.Token);
        await _process.WaitForExitAsync(patience.Token);
        return (_process.ExitCode, [.. errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith("info:") && !l.StartsWith("warn:") && !l.StartsWith("fail:"))]);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // The test's own folder ends in bin/<mode>/<configuration>/<framework>; the executable's is built alike.
    private static string Built()
    {
        var parts = AppContext.BaseDirectory.TrimEnd('/', '\\').Split('/', '\\');
        var root = string.Join(Path.DirectorySeparatorChar, parts[..^6]);
        return Path.Combine([root, "MeshProxy", "AspireMesh.Proxy.Sidecar", .. parts[^4..], "aspiremesh-proxy.dll"]);
    }
}
