using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Pipelines;

/// <summary>Where steps write.</summary>
[Experimental("ASPIREPIPELINES004")]
public interface IPipelineOutputService
{
    /// <summary>The folder of <c>--output-path</c>; by default <c>aspire-output</c> in the current one.</summary>
    string GetOutputDirectory();

    /// <summary>A resource's folder in it.</summary>
    string GetOutputDirectory(IResource resource);

    /// <summary>A folder for what is not published; removed with the AppHost.</summary>
    string GetTempDirectory();

    /// <summary>A resource's folder in it.</summary>
    string GetTempDirectory(IResource resource);
}

internal sealed class PipelineOutput(IOptions<PipelineOptions> options) : IPipelineOutputService, IDisposable
{
    private readonly Lazy<string> _temporary = new(() => Directory.CreateTempSubdirectory("aspiremesh-publish-").FullName);

    public string GetOutputDirectory() => Path.GetFullPath(options.Value.OutputPath ?? "aspire-output");

    public string GetOutputDirectory(IResource resource) => Path.Combine(GetOutputDirectory(), resource.Name);

    public string GetTempDirectory() => _temporary.Value;

    public string GetTempDirectory(IResource resource) => Directory.CreateDirectory(Path.Combine(_temporary.Value, resource.Name)).FullName;

    public void Dispose()
    {
        if (_temporary.IsValueCreated && Directory.Exists(_temporary.Value))
        {
            Directory.Delete(_temporary.Value, recursive: true);
        }
    }
}
