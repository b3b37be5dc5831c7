using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>The pods of a workload.</summary>
[YamlSerializable]
public sealed class PodTemplateSpecV1
{
    /// <summary>Labels and annotations of the pods.</summary>
    [YamlMember(Alias = "metadata")]
    public ObjectMetaV1 Metadata { get; set; } = new();

    /// <summary>What is in them.</summary>
    [YamlMember(Alias = "spec")]
    public PodSpecV1 Spec { get; set; } = new();
}

/// <summary>What is in a pod.</summary>
[YamlSerializable]
public sealed class PodSpecV1
{
    /// <summary>Whether the API token is mounted.</summary>
    [YamlMember(Alias = "automountServiceAccountToken")]
    public bool? AutomountServiceAccountToken { get; set; }

    /// <summary>The containers.</summary>
    [YamlMember(Alias = "containers")]
    public List<ContainerV1> Containers { get; } = [];

    /// <summary>The containers that run before them; with RestartPolicy <c>Always</c>, beside them.</summary>
    [YamlMember(Alias = "initContainers")]
    public List<ContainerV1> InitContainers { get; } = [];

    /// <summary>Labels of the nodes it may run on.</summary>
    [YamlMember(Alias = "nodeSelector")]
    public Dictionary<string, string> NodeSelector { get; } = [];

    /// <summary>The priority class.</summary>
    [YamlMember(Alias = "priorityClassName")]
    public string? PriorityClassName { get; set; }

    /// <summary><c>Always</c>, <c>OnFailure</c> or <c>Never</c>.</summary>
    [YamlMember(Alias = "restartPolicy")]
    public string? RestartPolicy { get; set; }

    /// <summary>What all containers run as.</summary>
    [YamlMember(Alias = "securityContext")]
    public PodSecurityContextV1? SecurityContext { get; set; }

    /// <summary>The account.</summary>
    [YamlMember(Alias = "serviceAccountName")]
    public string? ServiceAccountName { get; set; }

    /// <summary>Seconds a stopping pod has.</summary>
    [YamlMember(Alias = "terminationGracePeriodSeconds")]
    public long? TerminationGracePeriodSeconds { get; set; }

    /// <summary>The volumes.</summary>
    [YamlMember(Alias = "volumes")]
    public List<VolumeV1> Volumes { get; } = [];
}

/// <summary>What all containers of a pod run as.</summary>
[YamlSerializable]
public sealed class PodSecurityContextV1
{
    /// <summary>Group of the volumes.</summary>
    [YamlMember(Alias = "fsGroup")]
    public long? FsGroup { get; set; }

    /// <summary>Whether root is refused.</summary>
    [YamlMember(Alias = "runAsNonRoot")]
    public bool? RunAsNonRoot { get; set; }

    /// <summary>The user.</summary>
    [YamlMember(Alias = "runAsUser")]
    public long? RunAsUser { get; set; }
}

/// <summary>A container.</summary>
[YamlSerializable]
public sealed class ContainerV1
{
    /// <summary>Arguments.</summary>
    [YamlMember(Alias = "args")]
    public List<string> Args { get; } = [];

    /// <summary>In place of the image's entry point.</summary>
    [YamlMember(Alias = "command")]
    public List<string> Command { get; } = [];

    /// <summary>Variables.</summary>
    [YamlMember(Alias = "env")]
    public List<EnvVarV1> Env { get; } = [];

    /// <summary>Variables from ConfigMaps and Secrets.</summary>
    [YamlMember(Alias = "envFrom")]
    public List<EnvFromSourceV1> EnvFrom { get; } = [];

    /// <summary>The image.</summary>
    [YamlMember(Alias = "image")]
    public string Image { get; set; } = null!;

    /// <summary><c>IfNotPresent</c>, <c>Always</c> or <c>Never</c>.</summary>
    [YamlMember(Alias = "imagePullPolicy")]
    public string ImagePullPolicy { get; set; } = null!;

    /// <summary>Restarts the container when it fails.</summary>
    [YamlMember(Alias = "livenessProbe")]
    public ProbeV1? LivenessProbe { get; set; }

    /// <summary>The name.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>The ports.</summary>
    [YamlMember(Alias = "ports")]
    public List<ContainerPortV1> Ports { get; } = [];

    /// <summary>Takes the pod out of its Services when it fails.</summary>
    [YamlMember(Alias = "readinessProbe")]
    public ProbeV1? ReadinessProbe { get; set; }

    /// <summary>What it needs and may use.</summary>
    [YamlMember(Alias = "resources")]
    public ResourceRequirementsV1? Resources { get; set; }

    /// <summary><c>Always</c> makes an init container a sidecar.</summary>
    [YamlMember(Alias = "restartPolicy")]
    public string? RestartPolicy { get; set; }

    /// <summary>What it may do.</summary>
    [YamlMember(Alias = "securityContext")]
    public SecurityContextV1? SecurityContext { get; set; }

    /// <summary>Holds the others back until it holds.</summary>
    [YamlMember(Alias = "startupProbe")]
    public ProbeV1? StartupProbe { get; set; }

    /// <summary>Where volumes are.</summary>
    [YamlMember(Alias = "volumeMounts")]
    public List<VolumeMountV1> VolumeMounts { get; } = [];

    /// <summary>The folder it runs in.</summary>
    [YamlMember(Alias = "workingDir")]
    public string? WorkingDir { get; set; }
}

/// <summary>A port of a container.</summary>
[YamlSerializable]
public sealed class ContainerPortV1
{
    /// <summary>The number.</summary>
    [YamlMember(Alias = "containerPort")]
    public Int32OrStringV1? ContainerPort { get; set; }

    /// <summary>The name.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary><c>TCP</c> or <c>UDP</c>.</summary>
    [YamlMember(Alias = "protocol")]
    public string Protocol { get; set; } = null!;
}

/// <summary>A variable.</summary>
[YamlSerializable]
public sealed class EnvVarV1
{
    /// <summary>The name.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>The value.</summary>
    [YamlMember(Alias = "value")]
    public string Value { get; set; } = null!;
}

/// <summary>Variables from elsewhere.</summary>
[YamlSerializable]
public sealed class EnvFromSourceV1
{
    /// <summary>A ConfigMap's.</summary>
    [YamlMember(Alias = "configMapRef")]
    public ConfigMapEnvSourceV1? ConfigMapRef { get; set; }

    /// <summary>Before each name.</summary>
    [YamlMember(Alias = "prefix")]
    public string? Prefix { get; set; }

    /// <summary>A Secret's.</summary>
    [YamlMember(Alias = "secretRef")]
    public SecretEnvSourceV1? SecretRef { get; set; }
}

/// <summary>Variables of a ConfigMap.</summary>
[YamlSerializable]
public sealed class ConfigMapEnvSourceV1
{
    /// <summary>The ConfigMap.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>Whether it may be missing.</summary>
    [YamlMember(Alias = "optional")]
    public bool? Optional { get; set; }
}

/// <summary>Variables of a Secret.</summary>
[YamlSerializable]
public sealed class SecretEnvSourceV1
{
    /// <summary>The Secret.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>Whether it may be missing.</summary>
    [YamlMember(Alias = "optional")]
    public bool? Optional { get; set; }
}

/// <summary>A volume of a pod.</summary>
[YamlSerializable]
public sealed class VolumeV1
{
    /// <summary>From a ConfigMap.</summary>
    [YamlMember(Alias = "configMap")]
    public ConfigMapVolumeSourceV1? ConfigMap { get; set; }

    /// <summary>Empty, for the pod's life.</summary>
    [YamlMember(Alias = "emptyDir")]
    public EmptyDirVolumeSourceV1? EmptyDir { get; set; }

    /// <summary>The name.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>From a Secret.</summary>
    [YamlMember(Alias = "secret")]
    public SecretVolumeSourceV1? Secret { get; set; }
}

/// <summary>Files from a ConfigMap.</summary>
[YamlSerializable]
public sealed class ConfigMapVolumeSourceV1
{
    /// <summary>Mode of the files.</summary>
    [YamlMember(Alias = "defaultMode")]
    public int? DefaultMode { get; set; }

    /// <summary>The ConfigMap.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>Whether it may be missing.</summary>
    [YamlMember(Alias = "optional")]
    public bool? Optional { get; set; }
}

/// <summary>An empty folder.</summary>
[YamlSerializable]
public sealed class EmptyDirVolumeSourceV1
{
    /// <summary><c>Memory</c> for one in memory.</summary>
    [YamlMember(Alias = "medium")]
    public string? Medium { get; set; }

    /// <summary>The most it holds.</summary>
    [YamlMember(Alias = "sizeLimit")]
    public string? SizeLimit { get; set; }
}

/// <summary>Files from a Secret.</summary>
[YamlSerializable]
public sealed class SecretVolumeSourceV1
{
    /// <summary>Mode of the files.</summary>
    [YamlMember(Alias = "defaultMode")]
    public int? DefaultMode { get; set; }

    /// <summary>Whether it may be missing.</summary>
    [YamlMember(Alias = "optional")]
    public bool? Optional { get; set; }

    /// <summary>The Secret.</summary>
    [YamlMember(Alias = "secretName")]
    public string SecretName { get; set; } = null!;
}

/// <summary>Where a volume is in a container.</summary>
[YamlSerializable]
public sealed class VolumeMountV1
{
    /// <summary>The path.</summary>
    [YamlMember(Alias = "mountPath")]
    public string MountPath { get; set; } = null!;

    /// <summary>The volume.</summary>
    [YamlMember(Alias = "name")]
    public string Name { get; set; } = null!;

    /// <summary>Whether it cannot be written.</summary>
    [YamlMember(Alias = "readOnly")]
    public bool? ReadOnly { get; set; }

    /// <summary>A path in the volume.</summary>
    [YamlMember(Alias = "subPath")]
    public string? SubPath { get; set; }
}

/// <summary>What a container needs and may use.</summary>
[YamlSerializable]
public sealed class ResourceRequirementsV1
{
    /// <summary>The most, by resource.</summary>
    [YamlMember(Alias = "limits")]
    public Dictionary<string, string> Limits { get; } = [];

    /// <summary>What is kept for it, by resource.</summary>
    [YamlMember(Alias = "requests")]
    public Dictionary<string, string> Requests { get; } = [];
}

/// <summary>What a container may do.</summary>
[YamlSerializable]
public sealed class SecurityContextV1
{
    /// <summary>Whether it may gain rights.</summary>
    [YamlMember(Alias = "allowPrivilegeEscalation")]
    public bool? AllowPrivilegeEscalation { get; set; }

    /// <summary>Capabilities of the kernel.</summary>
    [YamlMember(Alias = "capabilities")]
    public CapabilitiesV1? Capabilities { get; set; }

    /// <summary>Whether its files cannot be written.</summary>
    [YamlMember(Alias = "readOnlyRootFilesystem")]
    public bool? ReadOnlyRootFilesystem { get; set; }

    /// <summary>Whether root is refused.</summary>
    [YamlMember(Alias = "runAsNonRoot")]
    public bool? RunAsNonRoot { get; set; }

    /// <summary>The user.</summary>
    [YamlMember(Alias = "runAsUser")]
    public long? RunAsUser { get; set; }
}

/// <summary>Capabilities of the kernel.</summary>
[YamlSerializable]
public sealed class CapabilitiesV1
{
    /// <summary>Those it gains.</summary>
    [YamlMember(Alias = "add")]
    public List<string> Add { get; } = [];

    /// <summary>Those it loses.</summary>
    [YamlMember(Alias = "drop")]
    public List<string> Drop { get; } = [];
}
