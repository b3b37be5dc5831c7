using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.Dashboard.Feed;

/// <summary>Which instance a resource's instance is shown under.</summary>
internal static class ParentIds
{
    /// <summary>The snapshot's property that carries it.</summary>
    internal const string Property = "resource.parentName";

    private const string ParentRelationship = "Parent";

    /// <summary>The parent in the model: the last "Parent" relationship, else the resource it is a part of; null without either.</summary>
    internal static IResource? FindParent(IResource resource) =>
        resource.Annotations.OfType<ResourceRelationshipAnnotation>().LastOrDefault(r => r.Type == ParentRelationship)?.Resource
        ?? (resource as IResourceWithParent)?.Parent;

    /// <summary>The parent's instance id: the one that the child's snapshot names, the replica of the same number where both are replicated alike, else the first; null without a parent.</summary>
    internal static string? Find(ResourceEvent child)
    {
        if (FindParent(child.Resource) is not { } parent)
        {
            return null;
        }

        var parents = parent.GetInstanceIds();
        if (child.Snapshot.Properties.FirstOrDefault(p => p.Name == Property)?.Value is string named && parents.Contains(named))
        {
            return named;
        }

        var siblings = child.Resource.GetInstanceIds();
        var position = parents.Count == siblings.Count ? siblings.ToList().IndexOf(child.ResourceId) : 0;
        return parents[Math.Max(0, position)];
    }
}
