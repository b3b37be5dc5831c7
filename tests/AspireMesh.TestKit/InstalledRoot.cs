using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.Text;

namespace AspireMesh.TestKit;

/// <summary>
/// A container's root made of programs that are installed on this machine and the libraries they load: smaller than a distribution's, and no registry is asked.
/// </summary>
public sealed class InstalledRoot
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Executable = Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const UnixFileMode AnybodysFolder = Executable | UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.StickyBit;

    private readonly SortedDictionary<string, (string? Source, byte[]? Text, UnixFileMode Mode)> _files = new(StringComparer.Ordinal);

    private InstalledRoot()
    {
    }

    /// <summary>A root with a shell, a user that is not root (70) and a folder for files.</summary>
    /// <returns>Null where there is no shell to put into it.</returns>
    public static InstalledRoot? Create()
    {
        var busybox = new[] { "/bin/busybox", "/usr/bin/busybox" }.FirstOrDefault(File.Exists);
        if (busybox is null) return null;
        var root = new InstalledRoot();
        foreach (var name in new[] { "sh", "cat", "chmod" }) root._files[$"bin/{name}"] = (busybox, null, Executable);
        return root.Text("etc/passwd", "root:x:0:0::/:/bin/sh\nserver:x:70:70::/tmp:/bin/sh\n").Text("etc/group", "root:x:0:\nserver:x:70:\n").Text("tmp/.keep", "");
    }

    /// <summary>A program and what it loads when it starts.</summary>
    /// <param name="file">Where it is here.</param>
    /// <param name="path">Where it is there; null for the same place.</param>
    public InstalledRoot Program(string file, string? path = null)
    {
        _files[(path ?? file).TrimStart('/')] = (file, null, Executable);
        using var ldd = Process.Start(new ProcessStartInfo("ldd", [file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        foreach (var line in ldd.StandardOutput.ReadToEnd().Split('\n'))
        {
            // "libz.so.1 => /lib/libz.so.1 (0x…)", or the loader's own path.
            var library = line.Split("=>").Last().Trim().Split(' ')[0];
            if (library.StartsWith('/')) _files[library.TrimStart('/')] = (library, null, Executable);
        }

        ldd.WaitForExit();
        return this;
    }

    /// <summary>A folder with all that is below it, at the same place.</summary>
    public InstalledRoot Folder(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)) _files[file.TrimStart('/')] = (file, null, Readable);
        return this;
    }

    /// <summary>The files right below a folder whose names end so, with what they load.</summary>
    public InstalledRoot Libraries(string folder, string ending)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*" + ending).Where(f => !Path.GetFileName(f).StartsWith("llvmjit", StringComparison.Ordinal))) _files[file.TrimStart('/')] = (file, null, Executable);
        return this;
    }

    /// <summary>A file of this text.</summary>
    public InstalledRoot Text(string path, string text)
    {
        _files[path] = (null, Encoding.UTF8.GetBytes(text), Executable);
        return this;
    }

    /// <summary>Imports it as an image; null when it is there, else why it cannot be had.</summary>
    public async Task<string?> ImportAsync(string image)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, leaveOpen: true))
        {
            // A folder that is not said is its maker's alone.
            foreach (var folder in _files.Keys.SelectMany(Above).Distinct().Order(StringComparer.Ordinal))
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, folder) { Mode = folder == "tmp" ? AnybodysFolder : Executable | UnixFileMode.UserWrite });
            foreach (var (path, (source, text, mode)) in _files)
            {
                await using Stream content = source is null ? new MemoryStream(text!) : File.OpenRead(source);
                await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = content, Mode = mode });
            }
        }

        tar.Position = 0;
        try
        {
            await BoxImage.DockerAsync(tar, "import", "-", image);
            return null;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return $"No container engine answers: {e.Message.Trim()}";
        }
    }

    private static IEnumerable<string> Above(string path)
    {
        for (var at = path.IndexOf('/', StringComparison.Ordinal); at > 0; at = path.IndexOf('/', at + 1)) yield return path[..at];
    }
}
