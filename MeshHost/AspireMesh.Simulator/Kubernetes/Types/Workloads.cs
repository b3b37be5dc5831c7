using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>Name, labels and annotations of an object.</summary>
[YamlSerializable]
public sealed class ObjectMetaV1
{
    /// <summary>The annotations.</summary>
    [YamlMember(Alias = "annotations")]
    public Dictionary<string, string> Annotations { get; } = [];

    /// <summary>The labels.</summary>
    [YamlMember(Alias = "labels")]
    public Dictionary<string, string> Labels { get; set; } = new();

    /// <summary>The name.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>The namespace.</summary>
    [YamlMember(Alias = "namespace")]
    public string Namespace { get; set; } = null!;
}

/// <summary>How a Deployment keeps its pods.</summary>
[YamlSerializable]
public sealed class DeploymentSpecV1
{
    /// <summary>How many pods.</summary>
    [YamlMember(Alias = "replicas")]
    public int? Replicas { get; set; }

    /// <summary>How many old versions are kept.</summary>
    [YamlMember(Alias = "revisionHistoryLimit")]
    public int? RevisionHistoryLimit { get; set; }

    /// <summary>Which pods are its own.</summary>
    [YamlMember(Alias = "selector")]
    public LabelSelectorV1 Selector { get; set; } = new();

    /// <summary>How pods are replaced.</summary>
    [YamlMember(Alias = "strategy")]
    public DeploymentStrategyV1 Strategy { get; set; } = new();

    /// <summary>The pods.</summary>
    [YamlMember(Alias = "template")]
    public PodTemplateSpecV1 Template { get; set; } = new();
}

/// <summary>How pods are replaced.</summary>
[YamlSerializable]
public sealed class DeploymentStrategyV1
{
    /// <summary>Step by step.</summary>
    [YamlMember(Alias = "rollingUpdate")]
    public RollingUpdateDeploymentV1 RollingUpdate { get; set; } = new();

    /// <summary><c>RollingUpdate</c> or <c>Recreate</c>.</summary>
    [YamlMember(Alias = "type")]
    public string Type { get; set; } = null!;
}

/// <summary>How many pods at once.</summary>
[YamlSerializable]
public sealed class RollingUpdateDeploymentV1
{
    /// <summary>How many more.</summary>
    [YamlMember(Alias = "maxSurge")]
    public int MaxSurge { get; set; }

    /// <summary>How many fewer.</summary>
    [YamlMember(Alias = "maxUnavailable")]
    public int MaxUnavailable { get; set; }
}

/// <summary>Which objects, by label.</summary>
[YamlSerializable]
public sealed class LabelSelectorV1
{
    /// <summary>Any object.</summary>
    public LabelSelectorV1()
    {
    }

    /// <summary>Objects with these labels.</summary>
    public LabelSelectorV1(Dictionary<string, string> matchLabels) => MatchLabels = matchLabels;

    /// <summary>The labels they have.</summary>
    [YamlMember(Alias = "matchLabels")]
    public Dictionary<string, string> MatchLabels { get; set; } = new();
}

/// <summary>Where a Service leads.</summary>
[YamlSerializable]
public sealed class ServiceSpecV1
{
    /// <summary>A DNS name it stands for.</summary>
    [YamlMember(Alias = "externalName")]
    public string? ExternalName { get; set; }

    /// <summary>The ports.</summary>
    [YamlMember(Alias = "ports")]
    public List<ServicePortV1> Ports { get; } = [];

    /// <summary>Labels of its pods.</summary>
    [YamlMember(Alias = "selector")]
    public Dictionary<string, string> Selector { get; set; } = new();

    /// <summary><c>ClusterIP</c>, <c>NodePort</c> or <c>LoadBalancer</c>.</summary>
    [YamlMember(Alias = "type")]
    public string Type { get; set; } = null!;
}

/// <summary>A port of a Service.</summary>
[YamlSerializable]
public sealed class ServicePortV1
{
    /// <summary>What is spoken.</summary>
    [YamlMember(Alias = "appProtocol")]
    public string AppProtocol { get; set; } = null!;

    /// <summary>The name.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>The nodes' port.</summary>
    [YamlMember(Alias = "nodePort")]
    public int? NodePort { get; set; }

    /// <summary>The Service's port.</summary>
    [YamlMember(Alias = "port")]
    public Int32OrStringV1 Port { get; set; } = null!;

    /// <summary><c>TCP</c> or <c>UDP</c>.</summary>
    [YamlMember(Alias = "protocol")]
    public string Protocol { get; set; } = null!;

    /// <summary>The pods' port.</summary>
    [YamlMember(Alias = "targetPort")]
    public Int32OrStringV1 TargetPort { get; set; } = null!;
}
