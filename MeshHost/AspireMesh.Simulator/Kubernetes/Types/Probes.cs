using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>A check of a container.</summary>
[YamlSerializable]
public sealed class ProbeV1
{
    /// <summary>Failures in a row that count.</summary>
    [YamlMember(Alias = "failureThreshold")]
    public int? FailureThreshold { get; set; }

    /// <summary>A request that has to succeed.</summary>
    [YamlMember(Alias = "httpGet")]
    public HttpGetActionV1? HttpGet { get; set; }

    /// <summary>Seconds before the first.</summary>
    [YamlMember(Alias = "initialDelaySeconds")]
    public int? InitialDelaySeconds { get; set; }

    /// <summary>Seconds between two.</summary>
    [YamlMember(Alias = "periodSeconds")]
    public int? PeriodSeconds { get; set; }

    /// <summary>Successes in a row that count.</summary>
    [YamlMember(Alias = "successThreshold")]
    public int? SuccessThreshold { get; set; }

    /// <summary>Seconds an answer may take.</summary>
    [YamlMember(Alias = "timeoutSeconds")]
    public int? TimeoutSeconds { get; set; }
}

/// <summary>A request.</summary>
[YamlSerializable]
public sealed class HttpGetActionV1
{
    /// <summary>The path.</summary>
    [YamlMember(Alias = "path")]
    public string Path { get; set; } = null!;

    /// <summary>Number or name of the port.</summary>
    [YamlMember(Alias = "port")]
    public Int32OrStringV1? Port { get; set; }

    /// <summary><c>HTTP</c> or <c>HTTPS</c>.</summary>
    [YamlMember(Alias = "scheme")]
    public string Scheme { get; set; } = null!;
}
