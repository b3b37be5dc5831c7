using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Proxy.Sidecar;

/// <summary>The file that tells a sidecar who it is. One that holds a join token is deleted before anything else happens; one that names a file with it (a pod's) stays.</summary>
internal static class BootstrapFile
{
    /// <summary>Reads the file named by <see cref="SidecarBootstrap.FileVariable"/> and deletes it.</summary>
    public static bool TryTake([NotNullWhen(true)] out SidecarBootstrap? bootstrap, [NotNullWhen(false)] out string? error)
    {
        bootstrap = null;
        var path = Environment.GetEnvironmentVariable(SidecarBootstrap.FileVariable);
        if (string.IsNullOrEmpty(path))
        {
            error = Say($"{SidecarBootstrap.FileVariable} names no bootstrap file. An AppHost with AddServiceMesh() starts sidecars; by hand: {SidecarBootstrap.FileVariable}=FILE aspiremesh-proxy");
            return false;
        }
        try
        {
            var text = File.ReadAllBytes(path);
            bootstrap = Read(path, text);
            error = bootstrap is null ? Say($"'{path}' holds no bootstrap. Start the sidecar's resource again.") : null;
            return bootstrap is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = Say($"'{path}' cannot be read: {e.Message} A bootstrap file works once: start the sidecar's resource again.");
            return false;
        }
        catch (JsonException e)
        {
            error = Say($"'{path}' is no bootstrap: {e.Message} Start the sidecar's resource again.");
            return false;
        }
    }

    private static SidecarBootstrap? Read(string path, byte[] text)
    {
        SidecarBootstrap? bootstrap = null;
        try
        {
            bootstrap = JsonSerializer.Deserialize(text, MeshJson.Default.SidecarBootstrap);
        }
        finally
        {
            // What cannot be read may hold a token as well.
            if (bootstrap is not { JoinToken: null }) TryDelete(path);
        }
        var instance = Environment.GetEnvironmentVariable(SidecarBootstrap.InstanceVariable);
        return bootstrap is { Instance: "" } && !string.IsNullOrEmpty(instance) ? bootstrap with { Instance = instance } : bootstrap;
    }

    // A file on a read-only mount stays; the token in it works once.
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The bootstrap file '{path}' could not be deleted: {e.Message}");
        }
    }

    private static string Say(string message) => MeshDiagnostics.BadBootstrap.Found(message).ToString();
}
