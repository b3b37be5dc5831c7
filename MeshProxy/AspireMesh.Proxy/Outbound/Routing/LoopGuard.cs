using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using AspireMesh.Proxy.Http;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>
/// Ends requests that go in a circle: apps that pass on what they get with its headers, each through its sidecar. Every workload's outbound side counts itself in
/// a header, as <c>Via</c> would have it (RFC 9110 7.6.3) but with a count, and without what servers do when they meet <c>Via</c> (some stop compressing).
/// A gateway takes the header away, so nobody outside can set it, and destinations outside the mesh do not get it.
/// </summary>
internal sealed class LoopGuard(string workload)
{
    /// <summary>Where passes are counted: <c>name=passes</c>, a comma between workloads.</summary>
    public const string Header = "x-mesh-hops";

    /// <summary>A request may call back to a workload it came from, and does so in honest designs; not this often.</summary>
    public const int MaxPasses = 8;

    /// <summary>Longer lists than any honest chain has.</summary>
    private const int MaxLength = 8 * 1024;

    private readonly string _first = $"{workload}=1";

    /// <summary>Counts one pass. Null when the request may go on.</summary>
    public ErrorAnswer? Enter(IHeaderDictionary headers)
    {
        if (!headers.TryGetValue(Header, out var value))
        {
            headers[Header] = _first;
            return null;
        }

        var text = value.ToString();
        var hops = text.Length > MaxLength ? null : Parse(text);
        if (hops is null) return Refusal($"The header {Header} is longer than any chain of calls.");
        ref var passes = ref CollectionsMarshal.GetValueRefOrAddDefault(hops, workload, out _);
        if (++passes > MaxPasses) return Refusal($"The request came through '{workload}' for the {passes}th time: {text}.");
        headers[Header] = string.Join(", ", hops.Select(h => string.Create(CultureInfo.InvariantCulture, $"{h.Key}={h.Value}")));
        return null;
    }

    /// <summary>Whether an external service is on this machine, where it may well be one of our own listeners: the count then goes with the request.</summary>
    public static bool IsHere(string host) => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.AsSpan().Trim("[]"), out var address) && IPAddress.IsLoopback(address));

    private static ErrorAnswer Refusal(string reason) =>
        new(StatusCodes.Status508LoopDetected, ResponseFlags.Loop, reason, "Find the app that calls back what called it: aspiremesh tap");

    /// <summary>What cannot be read counts for nothing: an app may have made it up.</summary>
    private static Dictionary<string, int> Parse(string text)
    {
        var hops = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var range in text.AsSpan().Split(','))
        {
            var hop = text.AsSpan()[range].Trim();
            var equals = hop.IndexOf('=');
            if (equals > 0 && int.TryParse(hop[(equals + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var passes) && passes <= MaxPasses) hops[hop[..equals].ToString()] = passes;
        }
        return hops;
    }
}
