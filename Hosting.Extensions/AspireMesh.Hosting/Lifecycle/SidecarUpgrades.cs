using System.Diagnostics;
using AspireMesh.Protocol.Snapshot;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>
/// Replaces a sidecar's process by one of the executable that lies there now, without losing a request. A host runs one process per resource, so the sidecar
/// changes hands twice: a process in between takes its ports, the old one drains and ends, the host starts it anew, and the one in between hands over and ends.
/// </summary>
internal sealed partial class SidecarUpgrades(FoundExecutable proxy, Func<SidecarBootstrap, string> write, IMeshControl control, TimeProvider time, ILogger logger, CancellationToken stopping)
{
    /// <summary>For both drains, which take the mesh's drain time at most, and two starts.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    // What a process of .NET needs; the rest of the AppHost's environment is no business of a process that lives for seconds.
    private static readonly string[] Passed = ["PATH", "HOME", "DOTNET_ROOT", "TMPDIR", "TEMP", "SystemRoot", "LD_LIBRARY_PATH"];

    /// <summary>Whether this system can pass open ports from process to process.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <summary>Upgrades one sidecar; returns when the process that the host started has taken over. Null when it did, otherwise why not: then the old one still runs.</summary>
    public async Task<string?> UpgradeAsync(string instance, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken, stopping);
        var bootstrap = await control.CreateBootstrapAsync(instance, either.Token);
        using var between = Start(write(bootstrap with { EndsWithInput = true }));
        try
        {
            if (await ReadyAsync(between, either.Token) is { } problem) return problem;
            LogBetween(logger, instance);
            await between.WaitForExitAsync(either.Token);
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            return $"the process that the host started did not take over within {Limit.TotalMinutes:0} minutes; the one in between is ended";
        }
        finally
        {
            if (!between.HasExited) between.Kill();
        }
    }

    private Process Start(string bootstrapFile)
    {
        var start = new ProcessStartInfo(proxy.Command) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in proxy.Arguments) start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var name in Passed)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value) start.Environment[name] = value;
        }
        start.Environment[SidecarBootstrap.FileVariable] = bootstrapFile;
        return Process.Start(start)!;
    }

    private static async Task<string?> ReadyAsync(Process process, CancellationToken cancellationToken)
    {
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("aspiremesh-proxy ready", StringComparison.Ordinal)) return null;
        }
        return $"the new process did not start: {(await errors).Trim()}";
    }

    [LoggerMessage(1, LogLevel.Information, "The sidecar '{Instance}' is being upgraded: a process in between has its ports until the host has started it anew.")]
    private static partial void LogBetween(ILogger logger, string instance);
}
