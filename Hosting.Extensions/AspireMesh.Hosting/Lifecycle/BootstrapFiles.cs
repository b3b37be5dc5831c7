using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Hands bootstraps to sidecar processes: files that only this user can read, in a folder that only this user can enter, gone with the application.</summary>
internal sealed class BootstrapFiles : IDisposable
{
    private readonly Lock _gate = new();
    private string? _folder;

    /// <summary>Writes one and returns its path. The sidecar deletes it once read.</summary>
    public string Write(SidecarBootstrap bootstrap)
    {
        string folder;
        lock (_gate) folder = _folder ??= Directory.CreateTempSubdirectory("aspiremesh-").FullName;
        var path = Path.Combine(folder, $"{bootstrap.Instance}-{Guid.NewGuid():N}.json");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(path, options);
        JsonSerializer.Serialize(stream, bootstrap, MeshJson.Default.SidecarBootstrap);
        return path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_folder is not null && Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
            _folder = null;
        }
    }
}
