namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a wait waits for.</summary>
public enum WaitType
{
    /// <summary>Running and healthy.</summary>
    WaitUntilHealthy,

    /// <summary>Ended, with a certain exit code.</summary>
    WaitForCompletion,

    /// <summary>Running.</summary>
    WaitUntilStarted,
}

/// <summary>What a wait does when the other cannot come up.</summary>
public enum WaitBehavior
{
    /// <summary>Waits on.</summary>
    WaitOnResourceUnavailable,

    /// <summary>Fails.</summary>
    StopOnResourceUnavailable,
}

/// <summary>The resource starts after another.</summary>
public sealed class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    /// <summary>The other.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>What the other has to reach.</summary>
    public WaitType WaitType { get; } = waitType;

    /// <summary>The exit code that counts as completed.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>What to do when the other cannot come up; null for the default.</summary>
    public WaitBehavior? WaitBehavior { get; init; }
}

/// <summary>Names a health check of the application's services that speaks for the resource.</summary>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    /// <summary>The check's name.</summary>
    public string Key { get; } = key;
}

/// <summary>A relation the dashboard shows.</summary>
public sealed class ResourceRelationshipAnnotation(IResource resource, string type) : IResourceAnnotation
{
    /// <summary>The other resource.</summary>
    public IResource Resource { get; } = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary><c>Parent</c>, <c>Reference</c>, <c>WaitFor</c> or any other word.</summary>
    public string Type { get; } = type ?? throw new ArgumentNullException(nameof(type));
}

/// <summary>Which variables a reference sets.</summary>
[Flags]
public enum ReferenceEnvironmentInjectionFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><c>ConnectionStrings__name</c>.</summary>
    ConnectionString = 1,

    /// <summary><c>NAME_PROPERTY</c>.</summary>
    ConnectionProperties = 2,

    /// <summary><c>services__name__scheme__0</c>.</summary>
    ServiceDiscovery = 4,

    /// <summary><c>NAME_ENDPOINT</c>.</summary>
    Endpoints = 8,

    /// <summary>All of them.</summary>
    All = 15,
}

/// <summary>Which variables the references of this resource set.</summary>
public sealed class ReferenceEnvironmentInjectionAnnotation(ReferenceEnvironmentInjectionFlags flags) : IResourceAnnotation
{
    /// <summary>The kinds.</summary>
    public ReferenceEnvironmentInjectionFlags Flags { get; } = flags;
}

/// <summary>A part of a connection string, added or replaced.</summary>
public sealed class ConnectionPropertyAnnotation(string name, ReferenceExpression referenceExpression) : IResourceAnnotation
{
    /// <summary>The part's name.</summary>
    public string Name { get; } = name;

    /// <summary>Its value.</summary>
    public ReferenceExpression Value { get; } = referenceExpression;
}

/// <summary>The connection string is another resource's.</summary>
public class ConnectionStringRedirectAnnotation(IResourceWithConnectionString resource) : IResourceAnnotation
{
    /// <summary>The other resource.</summary>
    public IResourceWithConnectionString Resource { get; } = resource;
}

/// <summary>Where the resource is deployed to.</summary>
public sealed class DeploymentTargetAnnotation(IResource target) : IResourceAnnotation
{
    /// <summary>What stands for the resource in the deployment.</summary>
    public IResource DeploymentTarget { get; set; } = target;

    /// <summary>The environment it is part of.</summary>
    public IComputeEnvironmentResource? ComputeEnvironment { get; set; }
}

/// <summary>How the resource is written to a manifest.</summary>
public class ManifestPublishingCallbackAnnotation : IResourceAnnotation
{
    private ManifestPublishingCallbackAnnotation()
    {
    }

    /// <summary>It is not written.</summary>
    public static ManifestPublishingCallbackAnnotation Ignore { get; } = new();
}

/// <summary>How a name is checked.</summary>
public sealed class NameValidationPolicyAnnotation : IResourceAnnotation
{
    /// <summary>1–64 ASCII letters, digits and single hyphens; a letter first, no hyphen last.</summary>
    public static readonly NameValidationPolicyAnnotation Default = new();

    /// <summary>Only that there is a name.</summary>
    public static readonly NameValidationPolicyAnnotation None = new()
    {
        MaxLength = null,
        ValidateStartsWithLetter = false,
        ValidateAllowedCharacters = false,
        ValidateNoConsecutiveHyphens = false,
        ValidateNoTrailingHyphen = false,
    };

    /// <summary>The longest name; null for any.</summary>
    public int? MaxLength { get; init; } = 64;

    /// <summary>Whether it begins with a letter.</summary>
    public bool ValidateStartsWithLetter { get; init; } = true;

    /// <summary>Whether it is of letters, digits and hyphens.</summary>
    public bool ValidateAllowedCharacters { get; init; } = true;

    /// <summary>Whether hyphens stand alone.</summary>
    public bool ValidateNoConsecutiveHyphens { get; init; } = true;

    /// <summary>Whether the last character is no hyphen.</summary>
    public bool ValidateNoTrailingHyphen { get; init; } = true;
}
