using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using AspireMesh.Hosting.Planning;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>What the container engine's command line says about its networks: where containers reach this machine, and from where they do.</summary>
internal sealed class ContainerBridge(IConfiguration configuration)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private string Engine => configuration["CONTAINER_RUNTIME"] ?? configuration["DcpPublisher:ContainerRuntime"] ?? "docker";

    private bool IsPodman => Path.GetFileNameWithoutExtension(Engine).Equals("podman", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The address of this machine on the engine's default bridge. Containers of other bridges reach it too: it is an address of the machine that routes for them.
    /// </summary>
    public async Task<BridgeGateway> FindGatewayAsync(CancellationToken cancellationToken)
    {
        var (output, problem) = IsPodman
            ? await AskAsync(["network", "inspect", "podman", "--format", "{{range .Subnets}}{{.Gateway}} {{end}}"], cancellationToken)
            : await AskAsync(["network", "inspect", "bridge", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}"], cancellationToken);
        if (problem is not null) return new BridgeGateway(null, problem);
        var mine = NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address).ToHashSet();
        var address = Addresses(output).FirstOrDefault(a => mine.Contains(IPAddress.Parse(a)));
        return address is null
            ? new BridgeGateway(null, $"the bridge of '{Engine}' has no address of this machine{(output.Trim().Length == 0 ? "" : $" ({output.Trim()})")}, as where the engine runs in a virtual machine.")
            : new BridgeGateway(address, null);
    }

    /// <summary>The addresses of a container on its networks; none while it has none.</summary>
    public async Task<ImmutableArray<string>> AddressesOfAsync(string container, CancellationToken cancellationToken)
    {
        var (output, problem) = await AskAsync(["inspect", "--type", "container", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container], cancellationToken);
        return problem is null ? [.. Addresses(output)] : [];
    }

    private static IEnumerable<string> Addresses(string output) => output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Where(a => IPAddress.TryParse(a, out _));

    private async Task<(string Output, string? Problem)> AskAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Engine, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0 ? (await output, null) : ("", $"'{Engine}' says: {(await error).Trim().TrimEnd('.')}.");
        }
        catch (Win32Exception)
        {
            return ("", $"the container engine '{Engine}' is not on PATH.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ("", $"the container engine '{Engine}' did not answer within {Patience.TotalSeconds:0} s.");
        }
    }
}
