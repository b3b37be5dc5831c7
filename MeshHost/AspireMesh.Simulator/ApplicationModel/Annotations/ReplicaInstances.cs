using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator
{
    /// <summary>One process of a resource.</summary>
    /// <param name="Ordinal">From 0.</param>
    /// <param name="InstanceId">The id notifications, logs and commands use.</param>
    /// <param name="TargetPorts">The port the process binds, by endpoint name; the same over restarts.</param>
    public sealed record ReplicaInstance(int Ordinal, string InstanceId, IReadOnlyDictionary<string, int> TargetPorts);

    /// <summary>The processes of a resource. Set when endpoints are prepared, before <see cref="ResourceEndpointsAllocatedEvent"/>.</summary>
    /// <param name="Instances">By ordinal.</param>
    public sealed class ReplicaInstancesAnnotation(IReadOnlyList<ReplicaInstance> Instances) : IResourceAnnotation
    {
        /// <summary>The processes, by ordinal.</summary>
        public IReadOnlyList<ReplicaInstance> Instances { get; } = Instances;
    }

    /// <summary>Values that differ between the processes of a resource: the text <c>{{- replicaValue "key" -}}</c> in a variable or argument becomes the process's own.</summary>
    public sealed class ReplicaValuesAnnotation : IResourceAnnotation
    {
        private readonly ConcurrentDictionary<(int Ordinal, string Key), string> _values = new();

        /// <summary>Sets the value of one process; it counts from the process's next start on.</summary>
        public void Set(int ordinal, string key, string value) => _values[(ordinal, key)] = value;

        internal string? Get(int ordinal, string key) => _values.GetValueOrDefault((ordinal, key));
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    internal static class ReplicaInstanceExtensions
    {
        /// <summary>The ids of a resource's instances; its name where it has no process.</summary>
        public static IReadOnlyList<string> GetInstanceIds(this IResource resource) =>
            resource.TryGetLastAnnotation<AspireMesh.Simulator.ReplicaInstancesAnnotation>(out var replicas) && replicas.Instances.Count > 0
                ? [.. replicas.Instances.Select(i => i.InstanceId)]
                : [resource.Name];
    }
}
