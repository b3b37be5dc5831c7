using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>Anything with an API version and a kind.</summary>
[YamlSerializable]
public abstract class BaseKubernetesObject(string? apiVersion = null, string? kind = null)
{
    /// <summary>Group and version.</summary>
    [YamlMember(Alias = "apiVersion", Order = -3)]
    public string? ApiVersion { get; set; } = apiVersion;

    /// <summary>The kind.</summary>
    [YamlMember(Alias = "kind", Order = -2)]
    public string? Kind { get; set; } = kind;
}

/// <summary>An object of a chart. Derive from it for a kind that has no type here.</summary>
[YamlSerializable]
public abstract class BaseKubernetesResource(string apiVersion, string kind) : BaseKubernetesObject(apiVersion, kind)
{
    /// <summary>Name, labels and annotations.</summary>
    [YamlMember(Alias = "metadata", Order = -1)]
    public ObjectMetaV1 Metadata { get; set; } = new();
}

/// <summary>What runs pods.</summary>
public abstract class Workload(string apiVersion, string kind) : BaseKubernetesResource(apiVersion, kind)
{
    /// <summary>The pods.</summary>
    [YamlIgnore]
    public abstract PodTemplateSpecV1 PodTemplate { get; }
}

/// <summary>Keeps a number of equal pods.</summary>
[YamlSerializable]
public sealed class Deployment() : Workload("apps/v1", "Deployment")
{
    /// <summary>How.</summary>
    [YamlMember(Alias = "spec")]
    public DeploymentSpecV1 Spec { get; set; } = new();

    /// <inheritdoc/>
    [YamlIgnore]
    public override PodTemplateSpecV1 PodTemplate => Spec.Template;
}

/// <summary>Settings that are no secret.</summary>
[YamlSerializable]
public sealed class ConfigMap() : BaseKubernetesResource("v1", "ConfigMap")
{
    /// <summary>By key.</summary>
    [YamlMember(Alias = "data")]
    public Dictionary<string, string> Data { get; } = [];

    /// <summary>Whether it never changes.</summary>
    [YamlMember(Alias = "immutable")]
    public bool? Immutable { get; set; }
}

/// <summary>Settings that are secret.</summary>
[YamlSerializable]
public sealed class Secret() : BaseKubernetesResource("v1", "Secret")
{
    /// <summary>By key, as text.</summary>
    [YamlMember(Alias = "stringData")]
    public Dictionary<string, string> StringData { get; } = [];

    /// <summary>What kind of secret. Default <c>Opaque</c>.</summary>
    [YamlMember(Alias = "type")]
    public string Type { get; set; } = "Opaque";
}

/// <summary>A name for pods.</summary>
[YamlSerializable]
public sealed class Service() : BaseKubernetesResource("v1", "Service")
{
    /// <summary>Where it leads.</summary>
    [YamlMember(Alias = "spec")]
    public ServiceSpecV1 Spec { get; set; } = new();
}

/// <summary>A number, or text (a port's name or a template expression).</summary>
public sealed class Int32OrStringV1
{
    /// <summary>A number.</summary>
    public Int32OrStringV1(int value) => Number = value;

    /// <summary>Text; digits count as a number.</summary>
    public Int32OrStringV1(string value)
    {
        if (int.TryParse(value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)) Number = number;
        else Text = value;
    }

    /// <summary>The number; null for text.</summary>
    public int? Number { get; }

    /// <summary>The text; null for a number.</summary>
    public string? Text { get; }

    /// <summary>What it is: a number or text.</summary>
    public object? Value => Number is { } number ? number : Text;

    /// <summary>A number.</summary>
    public static implicit operator Int32OrStringV1(int value) => new(value);

    /// <summary>Text.</summary>
    public static implicit operator Int32OrStringV1(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value?.ToString() ?? "";
}
