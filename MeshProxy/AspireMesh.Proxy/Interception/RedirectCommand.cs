using System.Diagnostics;
using System.Globalization;

namespace AspireMesh.Proxy.Interception;

/// <summary>
/// <c>aspiremesh-proxy intercept --port P --user U</c>: puts the redirect rules in force and ends. An init container runs it, the only one that may change the pod's
/// network. Where rules cannot be put in, it fails: an app that starts without them would call past its sidecar.
/// </summary>
public static class RedirectCommand
{
    /// <summary>The word that chooses it.</summary>
    public const string Name = "intercept";

    /// <summary>Runs it; the exit code.</summary>
    /// <param name="args">What follows the word.</param>
    /// <param name="error">Takes what went wrong.</param>
    public static async Task<int> RunAsync(string[] args, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(error);
        if (args is not ["--port", var port, "--user", var user] || !ushort.TryParse(port, CultureInfo.InvariantCulture, out var number) || !int.TryParse(user, CultureInfo.InvariantCulture, out var uid))
        {
            await error.WriteLineAsync("Type: aspiremesh-proxy intercept --port PORT --user UID");
            return 2;
        }
        var rules = new RedirectRules(number, uid);
        if (await ApplyAsync("iptables-restore", rules.Text(six: false), error) is not 0 and var failed) return failed;
        return HasIp6() ? await ApplyAsync("ip6tables-restore", rules.Text(six: true), error) : 0;
    }

    private static bool HasIp6() => File.Exists("/proc/net/if_inet6");

    private static async Task<int> ApplyAsync(string program, string rules, TextWriter error)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, ["--noflush"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
            await process.StandardInput.WriteAsync(rules);
            process.StandardInput.Close();
            var said = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            if (process.ExitCode == 0) return 0;
            await error.WriteLineAsync($"{program} ended with {process.ExitCode}: {said.Trim()} The container needs the capability NET_ADMIN and user 0.");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            await error.WriteLineAsync($"{program} cannot be run: {e.Message}. Give the init container an image that has iptables (docs/kubernetes.md).");
        }
        return 1;
    }
}
