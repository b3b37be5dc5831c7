using AspireMesh.Simulator.Dashboard.Start;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.Dashboard.Install;

/// <summary>Finds the Aspire dashboard of this machine: a path given, an unpacked Aspire CLI, one that can be unpacked, one that can be installed.</summary>
internal sealed class DashboardFinder(IConfiguration configuration, DashboardInstaller installer, DashboardInstallChoice mayInstall)
{
    private static readonly string Executable = OperatingSystem.IsWindows() ? "aspire-managed.exe" : "aspire-managed";

    /// <summary>The dashboard, or why there is none and what to do about it, in one line.</summary>
    internal sealed record Result(string? Path, string? Problem);

    internal async Task<Result> FindAsync(CancellationToken cancellationToken)
    {
        var given = configuration[DashboardKeys.DashboardPathSwitch] ?? DashboardKeys.Read(configuration, DashboardKeys.DashboardPath);
        if (!string.IsNullOrWhiteSpace(given))
        {
            return File.Exists(given)
                ? new Result(given, null)
                : new Result(null, $"{DashboardKeys.DashboardPath} names '{given}', which does not exist: set it to the file {Executable}, or unset it.");
        }

        if (FindUnpacked() is { } unpacked)
        {
            return new Result(unpacked, null);
        }

        var cli = FindOnPath();
        if (!mayInstall.Allowed)
        {
            return new Result(null, cli is null
                ? "the Aspire CLI is not installed. " + AspirePackage.Remedy
                : "the Aspire CLI is there, but its dashboard is not unpacked. To have it, once: aspire dashboard run.");
        }

        var problem = await installer.InstallAsync(cli, cancellationToken).ConfigureAwait(false);
        return FindUnpacked() is { } installed ? new Result(installed, null) : new Result(null, problem);
    }

    private string? FindUnpacked()
    {
        string[] folders =
        [
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aspire"),
            installer.Folder,
        ];
        return folders.Select(folder => Path.Combine(folder, "bundle", "managed", Executable)).FirstOrDefault(File.Exists);
    }

    private static string? FindOnPath()
    {
        var name = OperatingSystem.IsWindows() ? "aspire.exe" : "aspire";
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }
}
