using System.ComponentModel;
using System.Diagnostics;

namespace Shop.AppHost;

/// <summary>Whether <c>docker</c> is there and its engine answers within two seconds.</summary>
internal static class ContainerEngine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static bool Answers()
    {
        try
        {
            using var docker = Process.Start(new ProcessStartInfo("docker", "version --format {{.Server.Version}}") { RedirectStandardOutput = true, RedirectStandardError = true });
            if (docker is null) return false;
            if (docker.WaitForExit(Patience)) return docker.ExitCode == 0;
            docker.Kill();
            return false;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
