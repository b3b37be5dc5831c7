using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>What the command line, the environment and the AppHost's assembly say before the builder exists.</summary>
internal sealed class AppHostSettings
{
    private static readonly Dictionary<string, string> Switches = new()
    {
        ["--operation"] = "AppHost:Operation",
        ["--publisher"] = "Publishing:Publisher",
        ["--step"] = "Pipeline:Step",
        ["--output-path"] = "Pipeline:OutputPath",
        ["--log-level"] = "Pipeline:LogLevel",
        ["--clear-cache"] = "Pipeline:ClearCache",
        ["--include-exception-details"] = "Pipeline:IncludeExceptionDetails",
        ["--yes"] = "Pipeline:SkipConfirmation",
        ["--dcp-dashboard-path"] = "DcpPublisher:DashboardPath",
    };

    private AppHostSettings(string directory, string path, HostApplicationBuilderSettings host)
    {
        AppHostDirectory = directory;
        AppHostPath = path;
        Host = host;
    }

    public string AppHostDirectory { get; private set; }

    public string AppHostPath { get; }

    public HostApplicationBuilderSettings Host { get; }

    public static AppHostSettings Read(DistributedApplicationOptions options, Assembly? assembly)
    {
        var configuration = new ConfigurationManager();
        configuration.AddEnvironmentVariables("ASPIRE_");
        var fromArguments = new ConfigurationBuilder().AddCommandLine(options.Args ?? []).Build();
        var directory = options.ProjectDirectory
            ?? fromArguments["AppHost:Directory"]
            ?? configuration["AppHost:Directory"]
            ?? Metadata(assembly, "apphostprojectpath")
            ?? Environment.CurrentDirectory;
        directory = Path.GetFullPath(directory);
        var name = Path.GetFileNameWithoutExtension(Metadata(assembly, "apphostprojectname")) ?? assembly?.GetName().Name ?? "AppHost";
        return new AppHostSettings(directory, Path.Combine(directory, name), new HostApplicationBuilderSettings
        {
            Args = options.Args,
            Configuration = configuration,
            ApplicationName = assembly?.GetName().Name ?? name,
            ContentRootPath = Directory.Exists(directory) ? directory : null,
        });
    }

    /// <summary>Takes out what the generic host does not know: switches without a value.</summary>
    public void ApplyCommandLine(DistributedApplicationOptions options)
    {
        var args = (Host.Args ?? []).ToList();
        options.DisableDashboard |= args.RemoveAll(a => a is "--no-dashboard" or "--no-dashboard=true") > 0;
        Host.Args = [.. args];
    }

    public void Complete(ConfigurationManager configuration)
    {
        // The generic host read the command line without these short names, so it is read again on top.
        configuration.AddCommandLine(Host.Args ?? [], Switches);
        configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AppHost:Directory"] = AppHostDirectory,
            ["AppHost:Path"] = AppHostPath,
            ["AppHost:Sha256"] = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(AppHostPath.ToLower(CultureInfo.InvariantCulture)))),
        });
    }

    public DistributedApplicationExecutionContextOptions ExecutionContextOptions(IConfiguration configuration)
    {
        var publisher = configuration["Publishing:Publisher"];
        return configuration["AppHost:Operation"]?.ToLowerInvariant() switch
        {
            "publish" => new(DistributedApplicationOperation.Publish, publisher ?? "manifest"),
            "run" => new(DistributedApplicationOperation.Run),
            null or "" => publisher is null ? new(DistributedApplicationOperation.Run) : new(DistributedApplicationOperation.Publish, publisher),
            var other => throw new DistributedApplicationException($"The operation '{other}' is not known: use --operation run or --operation publish."),
        };
    }

    private static string? Metadata(Assembly? assembly, string key) =>
        assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(m => string.Equals(m.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;
}
