using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Protocol;
using Resource = AspireMesh.Simulator.Dashboard.Protocol.Resource;
using Google.Protobuf.WellKnownTypes;
using Health = Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus;

namespace AspireMesh.Simulator.Dashboard.Feed;

/// <summary>One instance's snapshot as the dashboard's message.</summary>
internal static class ResourceMessage
{
    private const string ExitCodeProperty = "resource.exitCode";

    internal static Resource From(ResourceEvent state, string? parentId, DateTime startOfFeed)
    {
        var snapshot = state.Snapshot;
        var message = new Resource
        {
            Name = state.ResourceId,
            Uid = state.ResourceId,
            DisplayName = state.Resource.Name,
            ResourceType = snapshot.ResourceType,
            State = snapshot.State?.Text ?? "",
            StateStyle = snapshot.State?.Style ?? "",
            CreatedAt = At(snapshot.CreationTimeStamp ?? startOfFeed),
            StartedAt = At(snapshot.StartTimeStamp),
            StoppedAt = At(snapshot.StopTimeStamp),
            IsHidden = snapshot.IsHidden,
            SupportsDetailedTelemetry = true,
        };
        if (snapshot.IconName is { } icon)
        {
            message.IconName = icon;
            message.IconVariant = Variant(snapshot.IconVariant);
        }

        message.Environment.AddRange(snapshot.EnvironmentVariables.Select(v => new EnvironmentVariable { Name = v.Name, Value = v.Value ?? "", IsFromSpec = v.IsFromSpec }));
        message.Urls.AddRange(snapshot.Urls.Select(DescribeUrl));
        message.Volumes.AddRange(snapshot.Volumes.Select(v => new Volume { Source = v.Source ?? "", Target = v.Target, MountType = v.MountType, IsReadOnly = v.IsReadOnly }));
        message.Relationships.AddRange(snapshot.Relationships.Select(r => new ResourceRelationship { ResourceName = r.ResourceName, Type = r.Type }));
        message.Commands.AddRange(snapshot.Commands.Select(DescribeCommand));
        message.HealthReports.AddRange(snapshot.HealthReports.Select(DescribeHealth));
        AddProperties(message, snapshot, parentId);
        return message;
    }

    private static void AddProperties(Resource message, CustomResourceSnapshot snapshot, string? parentId)
    {
        foreach (var property in snapshot.Properties.Where(p => parentId is null || p.Name != ParentIds.Property))
        {
            var described = new ResourceProperty { Name = property.Name, Value = ToValue(property.Value), IsSensitive = property.IsSensitive };
            if (PropertyLabels.Find(snapshot.ResourceType, property.Name) is { } label)
            {
                described.DisplayName = label.Text;
                described.SortOrder = label.Order;
                described.IsHighlighted = true;
            }

            message.Properties.Add(described);
        }

        if (parentId is not null)
        {
            message.Properties.Add(new ResourceProperty { Name = ParentIds.Property, Value = Value.ForString(parentId) });
        }

        if (snapshot.ExitCode is { } exitCode && message.Properties.All(p => p.Name != ExitCodeProperty))
        {
            message.Properties.Add(new ResourceProperty { Name = ExitCodeProperty, Value = Value.ForNumber(exitCode) });
        }
    }

    private static Url DescribeUrl(UrlSnapshot url) => new()
    {
        EndpointName = url.Name ?? "",
        FullUrl = url.Url,
        IsInternal = url.IsInternal,
        IsInactive = url.IsInactive,
        DisplayProperties = new UrlDisplayProperties { DisplayName = url.DisplayProperties.DisplayName, SortOrder = url.DisplayProperties.SortOrder },
    };

    private static ResourceCommand DescribeCommand(ResourceCommandSnapshot command) => new()
    {
        ArgumentInputs = { command.Arguments.Select(DescribeInput) },
        Name = command.Name,
        DisplayName = command.DisplayName,
        DisplayDescription = command.DisplayDescription ?? "",
        ConfirmationMessage = command.ConfirmationMessage ?? "",
        Parameter = ToValue(command.Parameter),
        IsHighlighted = command.IsHighlighted,
        IconName = command.IconName ?? "",
        IconVariant = Variant(command.IconVariant),
        State = command.State switch
        {
            Aspire.Hosting.ApplicationModel.ResourceCommandState.Enabled => Protocol.ResourceCommandState.Enabled,
            Aspire.Hosting.ApplicationModel.ResourceCommandState.Disabled => Protocol.ResourceCommandState.Disabled,
            _ => Protocol.ResourceCommandState.Hidden,
        },
    };

    private static InteractionInput DescribeInput(Aspire.Hosting.InteractionInput input)
    {
        var message = new InteractionInput
        {
            Name = input.Name,
            Label = input.Label ?? input.Name,
            Description = input.Description ?? "",
            Placeholder = input.Placeholder ?? "",
            Required = input.Required,
            Value = input.Value ?? "",
            InputType = (InputType)((int)input.InputType + 1),
        };
        foreach (var (value, shown) in input.Options ?? []) message.Options[value] = shown;
        return message;
    }

    private static HealthReport DescribeHealth(HealthReportSnapshot report)
    {
        var message = new HealthReport { Key = report.Name, Description = report.Description ?? "", Exception = report.ExceptionText ?? "", LastRunAt = At(report.LastRunAt) };
        if (report.Status is { } status)
        {
            message.Status = status switch
            {
                Health.Healthy => HealthStatus.Healthy,
                Health.Degraded => HealthStatus.Degraded,
                _ => HealthStatus.Unhealthy,
            };
        }

        return message;
    }

    private static Protocol.IconVariant Variant(Aspire.Hosting.ApplicationModel.IconVariant? variant) =>
        variant == Aspire.Hosting.ApplicationModel.IconVariant.Filled ? Protocol.IconVariant.Filled : Protocol.IconVariant.Regular;

    private static Timestamp? At(DateTime? time) => time is { } value ? Timestamp.FromDateTime(value.ToUniversalTime()) : null;

    private static Value ToValue(object? value) => value switch
    {
        null => Value.ForNull(),
        string text => Value.ForString(text),
        bool flag => Value.ForBool(flag),
        int number => Value.ForNumber(number),
        IEnumerable<string> texts => Value.ForList([.. texts.Select(Value.ForString)]),
        IEnumerable<int> numbers => Value.ForList([.. numbers.Select(n => Value.ForNumber(n))]),
        _ => Value.ForString(value.ToString() ?? ""),
    };
}
