using AspireMesh.Host.Running;
using AspireMesh.Rehearsal.Reading;
using AspireMesh.Rehearsal.StandIn;
using k8s.Models;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>
/// A pod's volumes as folders: ConfigMaps and Secrets as files that follow their objects, tokens as the kubelet mounts them, empty folders. The folder around them is
/// its owner's alone; containers see each volume where they mount it.
/// </summary>
internal sealed class PodVolumes(PodPlan pod, string ns, Func<string, string> path, StoredObjects objects, PodTokens tokens)
{
    private readonly Dictionary<string, string> _tokens = [];

    /// <summary>The folder of a volume.</summary>
    public string Path(string volume) => path(volume);

    /// <summary>Makes the folders and writes what is there; what the pod waits for, or null.</summary>
    public string? Write()
    {
        string? missing = null;
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            var path = Path(volume.Name);
            PrivateFile.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            Directory.CreateDirectory(path);
            if (volume.EmptyDir is not null || volume.PersistentVolumeClaim is not null) Open(path);
            if (volume.ConfigMap is { } map) missing ??= WriteObject("configmaps", map.Name, map.Items, map.Optional, path);
            if (volume.Secret is { } secret) missing ??= WriteObject("secrets", secret.SecretName, secret.Items, secret.Optional, path);
            foreach (var source in volume.Projected?.Sources ?? []) missing ??= WriteProjected(source, path);
        }
        return missing;
    }

    /// <summary>The pod is gone: its tokens are worth nothing any more.</summary>
    public void Revoke()
    {
        foreach (var token in _tokens.Values) tokens.Revoke(token);
    }

    private string? WriteProjected(V1VolumeProjection source, string path)
    {
        if (source.ServiceAccountToken is { } wanted)
        {
            var file = System.IO.Path.Combine(path, wanted.Path);
            if (!_tokens.ContainsKey(file)) WriteFile(file, _tokens[file] = tokens.Issue(ns, pod.Account, pod.Name, wanted.Audience));
        }
        foreach (var item in source.DownwardAPI?.Items ?? []) WriteFile(System.IO.Path.Combine(path, item.Path), ContainerEnvironment.Field(pod, item.FieldRef?.FieldPath ?? "", ns));
        if (source.ConfigMap is { } map) return WriteObject("configmaps", map.Name, map.Items, map.Optional, path);
        return source.Secret is { } secret ? WriteObject("secrets", secret.Name, secret.Items, secret.Optional, path) : null;
    }

    private string? WriteObject(string kind, string name, IList<V1KeyToPath>? items, bool? optional, string path)
    {
        if (ContainerEnvironment.Data(objects, kind, name) is not { } data) return optional == true ? null : $"{kind} '{name}'";
        foreach (var (key, value) in data)
        {
            var file = items is { Count: > 0 } ? items.FirstOrDefault(i => i.Key == key)?.Path : key;
            if (file is not null) WriteFile(System.IO.Path.Combine(path, file), value);
        }
        return null;
    }

    private static void WriteFile(string file, string text)
    {
        if (File.Exists(file) && File.ReadAllText(file) == text) return;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        var next = $"{file}.new";
        File.WriteAllText(next, text);
        File.Move(next, file, overwrite: true);
    }

    // A container may run as any user; in a cluster fsGroup sees to that.
    private static void Open(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("777", 8));
    }
}
