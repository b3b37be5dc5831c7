using System.Collections.Immutable;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.Orchestration;

/// <summary>What resources look like before they start.</summary>
internal static class InitialSnapshots
{
    /// <summary>The snapshot of a process's resource.</summary>
    public static CustomResourceSnapshot OfProcess(IResource resource, DateTime now)
    {
        var basis = resource.TryGetLastAnnotation<ResourceSnapshotAnnotation>(out var given)
            ? given.InitialSnapshot
            : new CustomResourceSnapshot { ResourceType = TypeName(resource), Properties = [] };
        return Complete(resource, basis, now) with
        {
            State = basis.State ?? (resource.HasAnnotationOfType<ExplicitStartupAnnotation>() ? KnownResourceStates.NotStarted : null),
            Properties = Merge(basis.Properties, Properties(resource)),
        };
    }

    /// <summary>Adds what every resource's annotations say.</summary>
    public static CustomResourceSnapshot Complete(IResource resource, CustomResourceSnapshot snapshot, DateTime now)
    {
        var icon = resource.Annotations.OfType<ResourceIconAnnotation>().LastOrDefault();
        return snapshot with
        {
            CreationTimeStamp = snapshot.CreationTimeStamp ?? now,
            IsHidden = snapshot.IsHidden || resource.HasAnnotationOfType<HiddenAnnotation>(),
            IconName = icon?.IconName ?? snapshot.IconName,
            IconVariant = icon?.IconVariant ?? snapshot.IconVariant,
            HealthReports = [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => new HealthReportSnapshot(a.Key, null, null, null))],
            Relationships = Relationships(resource, snapshot),
        };
    }

    /// <summary>The properties with <paramref name="added"/> put in, one per name.</summary>
    public static ImmutableArray<ResourcePropertySnapshot> Merge(ImmutableArray<ResourcePropertySnapshot> properties, IEnumerable<ResourcePropertySnapshot> added)
    {
        var result = (properties.IsDefault ? [] : properties).ToBuilder();
        foreach (var property in added)
        {
            var index = result.FindIndex(p => p.Name == property.Name);
            if (index >= 0)
            {
                result[index] = property;
            }
            else
            {
                result.Add(property);
            }
        }

        return result.ToImmutable();
    }

    private static int FindIndex(this ImmutableArray<ResourcePropertySnapshot>.Builder list, Predicate<ResourcePropertySnapshot> match)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (match(list[i]))
            {
                return i;
            }
        }

        return -1;
    }

    private static string TypeName(IResource resource) => resource switch
    {
        ProjectResource => "Project",
        _ when resource.IsContainer() => "Container",
        ExecutableResource => "Executable",
        _ => resource.GetType().Name,
    };

    private static ImmutableArray<RelationshipSnapshot> Relationships(IResource resource, CustomResourceSnapshot snapshot)
    {
        var relationships = resource.Annotations.OfType<ResourceRelationshipAnnotation>().Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type));
        if (resource is IResourceWithParent child)
        {
            relationships = relationships.Append(new RelationshipSnapshot(child.Parent.Name, "Parent"));
        }

        return [.. snapshot.Relationships.Concat(relationships).Distinct()];
    }

    private static IEnumerable<ResourcePropertySnapshot> Properties(IResource resource)
    {
        var replicas = resource.GetReplicaCount();
        if (resource.TryGetContainerImageName(out var image))
        {
            yield return new ResourcePropertySnapshot("container.image", image);
        }
        else if (resource is ProjectResource project)
        {
            yield return new ResourcePropertySnapshot("project.path", project.GetProjectMetadata().ProjectPath);
            if (resource.TryGetLastAnnotation<LaunchProfileAnnotation>(out var chosen))
            {
                yield return new ResourcePropertySnapshot("project.launchProfile", chosen.LaunchProfileName);
            }
            else if (resource.TryGetLastAnnotation<DefaultLaunchProfileAnnotation>(out var byDefault))
            {
                yield return new ResourcePropertySnapshot("project.launchProfile", byDefault.LaunchProfileName);
            }
        }

        if (replicas > 1)
        {
            yield return new ResourcePropertySnapshot("resource.replicas", replicas.ToString(CultureInfo.InvariantCulture));
        }
    }
}
