using Aspire.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Dashboard.Install;

/// <summary>Installs the Aspire CLI with npm into the user's cache and unpacks the dashboard out of it, once per version.</summary>
internal sealed partial class DashboardInstaller(ILogger<DistributedApplication> logger, TimeProvider time)
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);

    /// <summary>Where it is installed; the dashboard is in <c>bundle/managed</c> below.</summary>
    internal string Folder { get; init; } = Path.Combine(FindCache(), "aspiremesh", "aspire-" + AspirePackage.Version);

    /// <summary>Installs, or waits for another AppHost that does; says what it is doing.</summary>
    /// <param name="cli">An Aspire CLI that is there already, of which only the dashboard has to be unpacked; null installs one.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null when it went well, else the problem and the remedy in one line.</returns>
    internal async Task<string?> InstallAsync(string? cli, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeLimit, time);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            Directory.CreateDirectory(Folder);
            await using var onlyOne = await LockAsync(stopping.Token).ConfigureAwait(false);
            return (cli is not null && await UnpackAsync(cli, stopping.Token).ConfigureAwait(false) is null) ? null : await InstallPackageAsync(stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Explain($"its installation took longer than {TimeLimit.TotalMinutes:0} minutes");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return Explain(failure.Message);
        }
    }

    private async Task<string?> InstallPackageAsync(CancellationToken cancellationToken)
    {
        if (AspirePackage.ForThisMachine() is not { } package)
        {
            return Explain("no package is pinned for this platform");
        }

        if (!ToolRun.IsOnPath("npm"))
        {
            return Explain("npm, which would install it, is not on the PATH");
        }

        var packages = Path.Combine(Folder, "npm");
        Directory.CreateDirectory(packages);
        await WriteManifestAsync(packages, package, cancellationToken).ConfigureAwait(false);
        LogInstalling(logger, package.Name, AspirePackage.Version, Folder);
        // `ci` installs exactly what the lock file says and checks its hash; no script of the package runs.
        var npm = new ToolRun("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], packages);
        var ended = await WithProgressAsync(npm, "npm", cancellationToken).ConfigureAwait(false);
        return ended.ExitCode == 0
            ? await UnpackAsync(Path.Combine(packages, "node_modules", package.Name, "bin", "aspire"), cancellationToken).ConfigureAwait(false)
            : Explain($"npm ended with {ended.ExitCode}: {ended.LastLine}");
    }

    private async Task<string?> UnpackAsync(string cli, CancellationToken cancellationToken)
    {
        LogUnpacking(logger, Folder);
        // Without ASPIRE_LAYOUT_PATH it unpacks, and then reports that the layout is not where it looks for it.
        var setup = new ToolRun(cli, ["setup", "--install-path", Folder, "--non-interactive", "--nologo"], Folder) { Variables = { ["ASPIRE_LAYOUT_PATH"] = Folder } };
        var ended = await WithProgressAsync(setup, "aspire setup", cancellationToken).ConfigureAwait(false);
        return ended.ExitCode == 0 ? null : Explain($"'{cli} setup' ended with {ended.ExitCode}: {ended.LastLine}");
    }

    private async Task<ToolRun.Result> WithProgressAsync(ToolRun tool, string what, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var running = tool.RunAsync(cancellationToken);
        while (await Task.WhenAny(running, Task.Delay(ProgressEvery, time, cancellationToken)).ConfigureAwait(false) != running)
        {
            cancellationToken.ThrowIfCancellationRequested();
            LogProgress(logger, what, (int)time.GetElapsedTime(began).TotalSeconds);
        }

        return await running.ConfigureAwait(false);
    }

    private async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(Folder, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                LogWaiting(logger);
                await Task.Delay(ProgressEvery, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task WriteManifestAsync(string folder, AspirePackage package, CancellationToken cancellationToken)
    {
        var manifest = $$"""{ "name": "aspiremesh-dashboard", "version": "1.0.0", "private": true, "dependencies": { "{{package.Name}}": "{{AspirePackage.Version}}" } }""";
        var locked = $$"""
            {
              "name": "aspiremesh-dashboard", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
              "packages": {
                "": { "name": "aspiremesh-dashboard", "version": "1.0.0", "dependencies": { "{{package.Name}}": "{{AspirePackage.Version}}" } },
                "node_modules/{{package.Name}}": { "version": "{{AspirePackage.Version}}", "integrity": "{{package.Integrity}}" }
              }
            }
            """;
        await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), manifest, cancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(folder, "package-lock.json"), locked, cancellationToken).ConfigureAwait(false);
    }

    private static string Explain(string why) => $"{why.TrimEnd('.')}. {AspirePackage.Remedy}";

    private static string FindCache()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches")
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : Path.Combine(home, ".cache");
    }

    [LoggerMessage(0, LogLevel.Information, "Installing the Aspire dashboard, once: {Package} {Version} with npm into {Folder} (about 150 MB).")]
    private static partial void LogInstalling(ILogger logger, string package, string version, string folder);

    [LoggerMessage(0, LogLevel.Information, "Unpacking the Aspire dashboard into {Folder}.")]
    private static partial void LogUnpacking(ILogger logger, string folder);

    [LoggerMessage(0, LogLevel.Information, "{Tool} is still at work ({Seconds} s).")]
    private static partial void LogProgress(ILogger logger, string tool, int seconds);

    [LoggerMessage(0, LogLevel.Information, "Another AppHost is installing the dashboard; waiting for it.")]
    private static partial void LogWaiting(ILogger logger);
}
