using System.Collections.Immutable;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a resource looks like at one moment.</summary>
public sealed record CustomResourceSnapshot()
{
    private readonly ImmutableArray<HealthReportSnapshot> _healthReports = [];
    private readonly ResourceStateSnapshot? _state;

    /// <summary>The kind of resource, as the dashboard shows it.</summary>
    public required string ResourceType { get; init; }

    /// <summary>Named values shown in the details.</summary>
    public required ImmutableArray<ResourcePropertySnapshot> Properties { get; init; }

    /// <summary>When it was created, UTC.</summary>
    public DateTime? CreationTimeStamp { get; init; }

    /// <summary>When it started, UTC.</summary>
    public DateTime? StartTimeStamp { get; init; }

    /// <summary>When it ended, UTC.</summary>
    public DateTime? StopTimeStamp { get; init; }

    /// <summary>The state; null before the first.</summary>
    public ResourceStateSnapshot? State
    {
        get => _state;
        init
        {
            _state = value;
            HealthStatus = ComputeHealth(_healthReports, value);
        }
    }

    /// <summary>How the process ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Healthy, when running and no check says otherwise; null when not running.</summary>
    public HealthStatus? HealthStatus { get; private init; }

    /// <summary>The results of its health checks.</summary>
    public ImmutableArray<HealthReportSnapshot> HealthReports
    {
        get => _healthReports;
        internal init
        {
            _healthReports = value;
            HealthStatus = ComputeHealth(value, _state);
        }
    }

    /// <summary>The environment.</summary>
    public ImmutableArray<EnvironmentVariableSnapshot> EnvironmentVariables { get; init; } = [];

    /// <summary>The URLs.</summary>
    public ImmutableArray<UrlSnapshot> Urls { get; init; } = [];

    /// <summary>The mounts.</summary>
    public ImmutableArray<VolumeSnapshot> Volumes { get; init; } = [];

    /// <summary>The commands.</summary>
    public ImmutableArray<ResourceCommandSnapshot> Commands { get; init; } = [];

    /// <summary>The relations to other resources.</summary>
    public ImmutableArray<RelationshipSnapshot> Relationships { get; init; } = [];

    /// <summary>Whether it is not listed.</summary>
    public bool IsHidden { get; init; }

    /// <summary>A Fluent UI icon name.</summary>
    public string? IconName { get; init; }

    /// <summary>Which drawing of the icon.</summary>
    public IconVariant? IconVariant { get; init; }

    /// <summary>Set once the handlers of <see cref="ResourceReadyEvent"/> were started.</summary>
    internal Task? ResourceReady { get; init; }

    private static HealthStatus? ComputeHealth(ImmutableArray<HealthReportSnapshot> reports, ResourceStateSnapshot? state)
    {
        if (state?.Text != KnownResourceStates.Running)
        {
            return null;
        }

        return reports.IsEmpty
            ? Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy
            : reports.Min(r => r.Status) ?? Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Unhealthy;
    }
}

/// <summary>Changes snapshots.</summary>
public static class CustomResourceSnapshotExtensions
{
    /// <summary>With those health reports; the health follows from them.</summary>
    public static CustomResourceSnapshot WithHealthReports(this CustomResourceSnapshot snapshot, ImmutableArray<HealthReportSnapshot> healthReports) =>
        snapshot with { HealthReports = healthReports };
}

/// <summary>A state.</summary>
/// <param name="Text">What is shown.</param>
/// <param name="Style">One of <see cref="KnownResourceStateStyles"/>.</param>
public sealed record ResourceStateSnapshot(string Text, string? Style)
{
    /// <summary>A state without a style.</summary>
    public static implicit operator ResourceStateSnapshot?(string? s) => s is null ? null : new(s, null);
}

/// <summary>A variable.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value.</param>
/// <param name="IsFromSpec">Whether the application's description sets it.</param>
public sealed record EnvironmentVariableSnapshot(string Name, string? Value, bool IsFromSpec);

/// <summary>A URL.</summary>
/// <param name="Name">The endpoint's name.</param>
/// <param name="Url">The URL.</param>
/// <param name="IsInternal">Whether it is shown in the details only.</param>
public sealed record UrlSnapshot(string? Name, string Url, bool IsInternal)
{
    /// <summary>Whether the resource does not run.</summary>
    public bool IsInactive { get; init; }

    /// <summary>How it is shown.</summary>
    public UrlDisplayPropertiesSnapshot DisplayProperties { get; init; } = new();
}

/// <summary>How a URL is shown.</summary>
/// <param name="DisplayName">In its place.</param>
/// <param name="SortOrder">Higher comes first.</param>
public sealed record UrlDisplayPropertiesSnapshot(string DisplayName = "", int SortOrder = 0);

/// <summary>A mount.</summary>
/// <param name="Source">Path or volume.</param>
/// <param name="Target">Path in the container.</param>
/// <param name="MountType">bind or volume.</param>
/// <param name="IsReadOnly">Whether it cannot be written.</param>
public sealed record VolumeSnapshot(string? Source, string Target, string MountType, bool IsReadOnly);

/// <summary>A relation.</summary>
/// <param name="ResourceName">The other resource.</param>
/// <param name="Type">The kind.</param>
public sealed record RelationshipSnapshot(string ResourceName, string Type);

/// <summary>A named value.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value.</param>
public sealed record ResourcePropertySnapshot(string Name, object? Value)
{
    /// <summary>Whether it is masked.</summary>
    public bool IsSensitive { get; init; }
}

/// <summary>A health check's result.</summary>
/// <param name="Name">The check.</param>
/// <param name="Status">The result; null before the first.</param>
/// <param name="Description">What it found.</param>
/// <param name="ExceptionText">The error.</param>
public sealed record HealthReportSnapshot(string Name, HealthStatus? Status, string? Description, string? ExceptionText)
{
    /// <summary>When it ran last, UTC.</summary>
    public DateTime? LastRunAt { get; init; }
}

/// <summary>A command.</summary>
/// <param name="Name">The name.</param>
/// <param name="State">Whether it can be run.</param>
/// <param name="DisplayName">What is shown.</param>
/// <param name="DisplayDescription">A sentence.</param>
/// <param name="Parameter">Not used.</param>
/// <param name="ConfirmationMessage">What is asked before.</param>
/// <param name="IconName">A Fluent UI icon name.</param>
/// <param name="IconVariant">Which drawing.</param>
/// <param name="IsHighlighted">Whether it stands beside the resource.</param>
public sealed record ResourceCommandSnapshot(string Name, ResourceCommandState State, string DisplayName, string? DisplayDescription, object? Parameter, string? ConfirmationMessage, string? IconName, IconVariant? IconVariant, bool IsHighlighted)
{
    /// <summary>What is asked for before it runs.</summary>
    public IReadOnlyList<InteractionInput> Arguments { get; init; } = [];
}

/// <summary>A resource's new snapshot.</summary>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    /// <summary>The resource.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>The instance's id, which is the resource's name where there is one instance without a process.</summary>
    public string ResourceId { get; } = resourceId;

    /// <summary>The snapshot.</summary>
    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}
