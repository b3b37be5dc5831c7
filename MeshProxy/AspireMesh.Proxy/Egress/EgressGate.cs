using System.Net;
using System.Net.Sockets;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Egress;

/// <summary>What becomes of one call out of the mesh: exactly one of the three is set.</summary>
/// <param name="Declared">It goes to a declared destination.</param>
/// <param name="Address">It is not declared and passes because egress is only audited: it goes to this address and no other, whatever the name means a moment later.</param>
/// <param name="Answer">It is refused, or leads nowhere.</param>
internal readonly record struct EgressDecision(EgressDestination? Declared, IPAddress? Address, ErrorAnswer? Answer);

/// <summary>Decides about calls out of the mesh, and counts what it refuses or would have refused.</summary>
internal sealed class EgressGate(IMeshEvents events)
{
    /// <summary>What stands in metrics for every destination that is not declared: their names are the apps' to choose.</summary>
    public const string Undeclared = "undeclared";

    public const string UndeclaredRule = "egress-undeclared";
    public const string AddressRule = "egress-address";
    public const string ServerNameRule = "egress-server-name";

    public async ValueTask<EgressDecision> DecideAsync(SidecarRuntime runtime, string host, int port, CancellationToken cancellationToken)
    {
        var rules = runtime.Egress!;
        if (rules.Find(host, port) is { } declared) return new(declared, null, null);
        var workload = runtime.Snapshot.Workload;
        var found = $"'{workload}' calls {host}:{port}, which is no external service that it refers to.";
        if (rules.Mode != EgressMode.Audit) return new(null, null, Refuse(workload, UndeclaredRule, found, ToDeclare(workload, host, port)));
        var (address, forbidden) = await ResolveAsync(host, cancellationToken);
        if (address is null && forbidden is null) return new(null, null, new ErrorAnswer(503, ResponseFlags.UpstreamConnectFailure, $"The name '{host}' is not known.", "Correct it."));
        if (address is null) return new(null, null, Refuse(workload, AddressRule, $"'{workload}' calls {host}:{port}, which is {forbidden}.", ToDeclare(workload, host, port)));
        events.Audited(new Refusal(MeshSide.Egress, RefusalReason.Egress, Undeclared, workload, UndeclaredRule, found));
        return new(null, address, null);
    }

    /// <summary>The name inside the TLS of a CONNECT is not the one that was asked for. The reason; null where it is allowed.</summary>
    public string? CheckServerName(SidecarRuntime runtime, string host, Passthrough.ClientHello hello)
    {
        var workload = runtime.Snapshot.Workload;
        var problem = ServerNameProblem(host, hello);
        if (problem is null) return null;
        problem = $"'{workload}' asked for {host}, and inside {problem} [{MeshDiagnostics.EgressRefused.Id}]";
        var refusal = new Refusal(MeshSide.Egress, RefusalReason.Egress, host, workload, ServerNameRule, problem);
        if (runtime.Egress!.Mode == EgressMode.Audit)
        {
            events.Audited(refusal);
            return null;
        }
        events.Refused(refusal);
        return problem;
    }

    private static string? ServerNameProblem(string host, Passthrough.ClientHello hello)
    {
        if (hello.State != Passthrough.HelloState.Complete) return $"does not begin TLS ({hello.State}).";
        var isAddress = IPAddress.TryParse(host.AsSpan().Trim("[]"), out _);
        // An address cannot stand in a hello (RFC 6066 section 3); a name must, or nothing ties the connection to it.
        if (hello.ServerName is not { } name) return isAddress ? null : "the TLS names nobody.";
        return !isAddress && string.Equals(name, host.TrimEnd('.'), StringComparison.OrdinalIgnoreCase) ? null : $"the TLS is for '{name}'.";
    }

    private ErrorAnswer Refuse(string workload, string rule, string reason, string next)
    {
        events.Refused(new Refusal(MeshSide.Egress, RefusalReason.Egress, Undeclared, workload, rule, reason));
        return new ErrorAnswer(403, ResponseFlags.UndeclaredEgress, $"{reason} (rule {rule})", $"{next} [{MeshDiagnostics.EgressRefused.Id}]");
    }

    private static string ToDeclare(string workload, string host, int port)
    {
        var address = port switch { 443 => $"https://{host}/", 80 => $"http://{host}/", _ => $"https://{host}:{port}/" };
        return $"Write builder.AddExternalService(\"name\", \"{address}\") and .WithReference(it) on '{workload}'.";
    }

    private static async ValueTask<(IPAddress? Address, string? Forbidden)> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(host.AsSpan().Trim("[]"), out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return (null, null);
        }
        string? forbidden = null;
        foreach (var address in addresses)
        {
            if (ForbiddenAddresses.Find(address) is not { } what) return (address, null);
            forbidden ??= what;
        }
        return (null, forbidden);
    }
}
