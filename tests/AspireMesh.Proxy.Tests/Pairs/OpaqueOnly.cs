using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Pairs;

/// <summary>For tests of opaque connections: each destination in its order, and no HTTP.</summary>
internal sealed class OpaqueOnly : IHttpPipeline
{
    public ITrafficRules Compile(MeshSnapshot snapshot, ITrafficRules? previous, List<string> errors) => new Rules(snapshot);

    public Task HandleAsync(HttpContext context, HttpEntry entry, SidecarRuntime runtime) => throw new InvalidOperationException("this test has no HTTP");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Rules(MeshSnapshot snapshot) : ITrafficRules
    {
        public IDestinationLease? Choose(string cluster, IReadOnlyCollection<string> tried)
        {
            var found = snapshot.Clusters.Single(c => c.Name == cluster);
            var next = found.Destinations.FirstOrDefault(d => !tried.Contains(d.Name));
            return next is null ? null : new Lease(found, next);
        }
    }

    private sealed record Lease(ClusterSnapshot Cluster, DestinationSnapshot Destination) : IDestinationLease
    {
        public void Connected(bool success)
        {
        }

        public void Dispose()
        {
        }
    }
}
