using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Faults;
using AspireMesh.Proxy.Inbound.Authentication;

namespace AspireMesh.Proxy.Pipeline;

/// <summary>What only this build of the sidecar can tell of a snapshot whose values lie in their ranges: whether it can read the keys and execute the faults.</summary>
internal static class PolicyChecks
{
    public static void Check(MeshSnapshot snapshot, List<string> errors)
    {
        foreach (var gateway in snapshot.Gateways) CheckKeys($"gateway '{gateway.Name}'", gateway.Jwt, errors);
        foreach (var endpoint in snapshot.Inbound.Endpoints) CheckKeys($"inbound endpoint '{endpoint.Name}'", endpoint.Jwt, errors);
        foreach (var rule in snapshot.Faults.Where(f => !FaultKindTable.Knows(f.Fault.Kind)))
        {
            errors.Add($"fault '{rule.Id}': this sidecar does not know the kind '{rule.Fault.Kind}'; it knows {string.Join(", ", FaultKinds.All)}");
        }
    }

    private static void CheckKeys(string where, JwtPolicy? jwt, List<string> errors)
    {
        if (jwt?.Jwks is not { } keys) return;
        try
        {
            if (SigningKeys.Read(keys).Count == 0) errors.Add($"{where}: the key set has no signing key");
        }
        catch (ArgumentException e)
        {
            errors.Add($"{where}: the key set cannot be read: {e.Message}");
        }
    }
}
