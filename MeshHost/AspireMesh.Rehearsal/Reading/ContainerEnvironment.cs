using System.Text;
using System.Text.RegularExpressions;
using AspireMesh.Rehearsal.StandIn;
using k8s.Models;

namespace AspireMesh.Rehearsal.Reading;

/// <summary>A container's environment as the kubelet makes it: literal values, fields of the pod, keys of ConfigMaps and Secrets, and <c>$(NAME)</c> in what follows.</summary>
internal static partial class ContainerEnvironment
{
    /// <summary>The variables. A key that is missing and not optional is reported through <paramref name="missing"/>.</summary>
    public static Dictionary<string, string> Of(PodPlan pod, V1Container container, string ns, StoredObjects objects, Action<string> missing)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var source in container.EnvFrom ?? [])
        {
            var values = source.ConfigMapRef is { } map ? Data(objects, "configmaps", map.Name) : Data(objects, "secrets", source.SecretRef?.Name ?? "");
            if (values is null && (source.ConfigMapRef?.Optional ?? source.SecretRef?.Optional) != true) missing($"'{source.ConfigMapRef?.Name ?? source.SecretRef?.Name}', which its environment is made from");
            foreach (var (key, value) in values ?? []) variables[source.Prefix + key] = value;
        }
        foreach (var variable in container.Env ?? [])
        {
            var value = variable.ValueFrom is null ? variable.Value ?? "" : From(pod, variable.ValueFrom, ns, objects, () => missing($"the source of its variable '{variable.Name}'"));
            if (value is not null) variables[variable.Name] = Expand(value, variables);
        }
        return variables;
    }

    /// <summary>Replaces <c>$(NAME)</c> by the variable where there is one; <c>$$</c> is a dollar.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables) =>
        Reference().Replace(text, m => m.Value == "$$" ? "$" : variables.TryGetValue(m.Groups[1].Value, out var value) ? value : m.Value);

    /// <summary>The entries of a ConfigMap or Secret as text; null when there is none.</summary>
    public static Dictionary<string, string>? Data(StoredObjects objects, string kind, string name)
    {
        if (objects.Read(kind, name) is not { } found) return null;
        var data = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in found["data"]?.AsObject() ?? [])
        {
            var text = (string?)value ?? "";
            data[key] = kind == "secrets" ? Encoding.UTF8.GetString(Convert.FromBase64String(text)) : text;
        }
        foreach (var (key, value) in found["stringData"]?.AsObject() ?? []) data[key] = (string?)value ?? "";
        return data;
    }

    private static string? From(PodPlan pod, V1EnvVarSource source, string ns, StoredObjects objects, Action missing)
    {
        if (source.FieldRef is { } field) return Field(pod, field.FieldPath, ns);
        var (kind, name, key, optional) = source.ConfigMapKeyRef is { } map ? ("configmaps", map.Name, map.Key, map.Optional) : ("secrets", source.SecretKeyRef?.Name ?? "", source.SecretKeyRef?.Key ?? "", source.SecretKeyRef?.Optional);
        if (Data(objects, kind, name)?.TryGetValue(key, out var value) == true) return value;
        if (optional != true) missing();
        return null;
    }

    internal static string Field(PodPlan pod, string path, string ns) => path switch
    {
        "metadata.name" => pod.Name,
        "metadata.namespace" => ns,
        "status.podIP" or "status.hostIP" => pod.Ip,
        "spec.serviceAccountName" => pod.Account,
        "spec.nodeName" => "rehearsal",
        _ => "",
    };

    [GeneratedRegex(@"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")]
    private static partial Regex Reference();
}
