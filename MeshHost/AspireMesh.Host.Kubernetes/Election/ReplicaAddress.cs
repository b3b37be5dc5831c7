namespace AspireMesh.Host.Kubernetes.Election;

/// <summary>A replica as it stands in the Lease: <c>pod@host:port</c>, so that whoever reads the Lease knows where the leader is.</summary>
internal static class ReplicaAddress
{
    public static string Identity(string pod, string address) => $"{pod}@{address}";

    public static string Pod(string identity) => identity.Split('@')[0];

    /// <summary><c>host:port</c>, or null where the identity has none.</summary>
    public static string? Address(string? identity) => identity?.Split('@') is [_, var address] ? address : null;
}
