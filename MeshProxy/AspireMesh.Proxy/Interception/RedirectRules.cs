using System.Globalization;

namespace AspireMesh.Proxy.Interception;

/// <summary>
/// The rules of netfilter that lead an app's connections to its sidecar, as <c>iptables-restore</c> reads them. They are about what leaves the pod only: what comes in
/// (the inbound port, probes, metrics) is never touched. Put in twice they do the same as once.
/// </summary>
/// <param name="Port">Where the sidecar takes intercepted connections, on loopback.</param>
/// <param name="SidecarUser">The sidecar's user id, whose own connections go their way.</param>
public sealed record RedirectRules(int Port, int SidecarUser)
{
    private const string Chain = "ASPIREMESH_OUTPUT";
    private const int Dns = 53;

    /// <summary>The rules for one protocol.</summary>
    /// <param name="six">For IPv6.</param>
    public string Text(bool six)
    {
        string[] lines =
        [
            "*nat",
            // Makes the chain, or empties it where it is there.
            $":{Chain} - [0:0]",
            // Before whatever else changes destinations: what is decided here is where the app dialled.
            $"-I OUTPUT 1 -p tcp -j {Chain}",
            $"-A {Chain} -m owner --uid-owner {SidecarUser.ToString(CultureInfo.InvariantCulture)} -j RETURN",
            $"-A {Chain} -o lo -j RETURN",
            $"-A {Chain} -d {(six ? "::1/128" : "127.0.0.0/8")} -j RETURN",
            // Names are looked up before anything is called, and over TCP where an answer is long.
            $"-A {Chain} -p tcp --dport {Dns} -j RETURN",
            $"-A {Chain} -p tcp -j REDIRECT --to-ports {Port.ToString(CultureInfo.InvariantCulture)}",
            "COMMIT",
        ];
        return string.Join('\n', lines) + "\n";
    }
}
