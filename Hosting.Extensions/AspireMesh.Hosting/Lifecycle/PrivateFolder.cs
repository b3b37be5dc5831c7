using System.Security.Cryptography;
using System.Text;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>A folder that only this user can enter, with files that only this user can read: bootstraps with join tokens, the state of a control plane. Gone with the application.</summary>
internal sealed class PrivateFolder : IDisposable
{
    private readonly Lock _gate = new();
    private string? _path;

    private string Root
    {
        get
        {
            lock (_gate) return _path ??= Directory.CreateTempSubdirectory("aspiremesh-").FullName;
        }
    }

    /// <summary>Writes a file that is not there yet (mode 0600) and returns its path.</summary>
    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(text);
        return path;
    }

    /// <summary>Makes a folder inside and returns its path.</summary>
    public string Subfolder(string name) => Directory.CreateDirectory(Path.Combine(Root, name)).FullName;

    /// <summary>The path of a Unix socket inside. Short, because systems take little more than 100 bytes.</summary>
    public string SocketFor(string name) => Path.Combine(Root, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8]);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_path is not null && Directory.Exists(_path)) Directory.Delete(_path, recursive: true);
            _path = null;
        }
    }
}
