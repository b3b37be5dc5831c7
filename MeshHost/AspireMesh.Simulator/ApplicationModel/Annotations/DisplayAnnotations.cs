namespace Aspire.Hosting.ApplicationModel;

/// <summary>Which drawing of an icon.</summary>
public enum IconVariant
{
    /// <summary>Outlined.</summary>
    Regular,

    /// <summary>Filled.</summary>
    Filled,
}

/// <summary>The resource's icon.</summary>
public sealed class ResourceIconAnnotation(string iconName, IconVariant iconVariant = IconVariant.Filled) : IResourceAnnotation
{
    /// <summary>A Fluent UI icon name.</summary>
    public string IconName { get; } = iconName;

    /// <summary>Which drawing.</summary>
    public IconVariant IconVariant { get; } = iconVariant;
}

/// <summary>What the resource looks like before anything ran.</summary>
public class ResourceSnapshotAnnotation(CustomResourceSnapshot initialSnapshot) : IResourceAnnotation
{
    /// <summary>The first snapshot.</summary>
    public CustomResourceSnapshot InitialSnapshot { get; } = initialSnapshot;
}

/// <summary>The resource is not listed.</summary>
internal sealed class HiddenAnnotation : IResourceAnnotation;

/// <summary>Where a URL is shown.</summary>
public enum UrlDisplayLocation
{
    /// <summary>In the list and in the details.</summary>
    SummaryAndDetails,

    /// <summary>In the details.</summary>
    DetailsOnly,
}

/// <summary>A URL shown with the resource.</summary>
public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    /// <summary>Higher comes first; null for 0.</summary>
    public int? DisplayOrder;

    /// <summary>The URL; relative to the endpoint where one is given.</summary>
    public required string Url { get; set; }

    /// <summary>What is shown in its place.</summary>
    public string? DisplayText { get; set; }

    /// <summary>The endpoint it belongs to.</summary>
    public EndpointReference? Endpoint { get; init; }

    /// <summary>Where it is shown.</summary>
    public UrlDisplayLocation DisplayLocation { get; set; }
}

/// <summary>Changes a resource's URLs once its endpoints have addresses.</summary>
public sealed class ResourceUrlsCallbackAnnotation : IResourceAnnotation
{
    /// <summary>Changes them.</summary>
    public ResourceUrlsCallbackAnnotation(Action<ResourceUrlsCallbackContext> callback) => Callback = context =>
    {
        callback(context);
        return Task.CompletedTask;
    };

    /// <summary>Changes them.</summary>
    public ResourceUrlsCallbackAnnotation(Func<ResourceUrlsCallbackContext, Task> callback) => Callback = callback ?? throw new ArgumentNullException(nameof(callback));

    /// <summary>What changes them.</summary>
    public Func<ResourceUrlsCallbackContext, Task> Callback { get; }
}
