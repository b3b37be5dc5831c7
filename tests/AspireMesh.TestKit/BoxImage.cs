using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;

namespace AspireMesh.TestKit;

/// <summary>A container image with a small web server, made on this machine: no registry is asked.</summary>
public static class BoxImage
{
    /// <summary>What the server answers at <c>/</c>.</summary>
    public const string Text = "hello from the box";

    /// <summary>What a container of it runs: a web server on port 80.</summary>
    public static IReadOnlyList<string> Command { get; } = ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"];

    /// <summary>Imports it; null when it is there, else why it cannot be had.</summary>
    public static async Task<string?> ImportAsync(string name)
    {
        var busybox = new[] { "/bin/busybox", "/usr/bin/busybox" }.FirstOrDefault(File.Exists);
        if (busybox is null) return "No busybox for the container's root. Install it: apt-get install busybox-static";
        using var root = new MemoryStream();
        using (var tar = new TarWriter(root, leaveOpen: true))
        {
            await tar.WriteEntryAsync(busybox, "bin/busybox");
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "www/index.html") { DataStream = new MemoryStream("hello from the box"u8.ToArray()), Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead });
        }
        root.Position = 0;
        try
        {
            await DockerAsync(root, "import", "-", name);
            return null;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return $"No container engine answers: {e.Message.Trim()}";
        }
    }

    /// <summary>Runs the engine's command line and gives what it printed.</summary>
    /// <exception cref="InvalidOperationException">It failed; carries what it said.</exception>
    public static async Task<string> DockerAsync(Stream input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("docker", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await input.CopyToAsync(process.StandardInput.BaseStream);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read everything; what it said tells why.
            await process.StandardInput.BaseStream.DisposeAsync();
        }
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
    }
}
