using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;

namespace AspireMesh.Simulator.Kubernetes;

/// <summary>Where an endpoint is in the cluster: its Service and the pods' port.</summary>
internal sealed record EndpointMapping(string Scheme, string Host, string Port, string Name, string Protocol);

/// <summary>What a resource's templates take from values.yaml: settings, secrets and parameters.</summary>
internal sealed class HelmValues(string resource)
{
    private const string ValuesSecrets = ".Values.secrets.";
    private readonly string _section = Section(resource);

    /// <summary>Settings by variable: what the template says.</summary>
    public Dictionary<string, string> Config { get; } = [];

    /// <summary>Secret settings by variable: what the template says.</summary>
    public Dictionary<string, string> Secrets { get; } = [];

    /// <summary>values.yaml by section (parameters, secrets, config) and key.</summary>
    public Dictionary<string, SortedDictionary<string, object>> Defaults { get; } = new()
    {
        ["parameters"] = new(StringComparer.Ordinal), ["secrets"] = new(StringComparer.Ordinal), ["config"] = new(StringComparer.Ordinal),
    };

    /// <summary>Hyphens would be subtraction in a template.</summary>
    public static string Section(string name) => name.Replace('-', '_');

    /// <summary>A value with its default, as an expression.</summary>
    public string Parameter(string key, object value)
    {
        Defaults["parameters"][key] = value;
        return $"{{{{ .Values.parameters.{_section}.{key}{(value is int ? " | int" : "")} }}}}";
    }

    /// <summary>Keeps a variable: text that holds a secret goes to the Secret, text without expressions to values.yaml.</summary>
    public void Add(string variable, string text)
    {
        if (text.Contains(ValuesSecrets, StringComparison.Ordinal))
        {
            Secrets[variable] = AsText(text);
        }
        else if (text.Contains("{{", StringComparison.Ordinal))
        {
            Config[variable] = AsText(text);
        }
        else
        {
            Config[variable] = $"{{{{ .Values.config.{_section}.{Section(variable)} }}}}";
            Defaults["config"][Section(variable)] = text;
        }
    }

    /// <summary>A value as template text: addresses of other resources, parameters as references, never the value of a secret.</summary>
    public async Task<string> TextAsync(object? value, Func<IResource, KubernetesResource?> find, CancellationToken cancellationToken) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        EndpointReference endpoint => Endpoint(endpoint, EndpointProperty.Url, find),
        EndpointReferenceExpression part => Endpoint(part.Endpoint, part.Property, find),
        ParameterResource parameter => await ParameterAsync(parameter, cancellationToken).ConfigureAwait(false),
        ConnectionStringReference connection => await TextAsync(connection.Resource.ConnectionStringExpression, find, cancellationToken).ConfigureAwait(false),
        IResourceWithConnectionString owner => await TextAsync(owner.ConnectionStringExpression, find, cancellationToken).ConfigureAwait(false),
        ReferenceExpression { IsConditional: true } choice => await TextAsync(await HoldsAsync(choice, cancellationToken).ConfigureAwait(false) ? choice.WhenTrue : choice.WhenFalse, find, cancellationToken).ConfigureAwait(false),
        ReferenceExpression expression => await ExpressionAsync(expression, find, cancellationToken).ConfigureAwait(false),
        IManifestExpressionProvider other => other.ValueExpression,
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static async Task<bool> HoldsAsync(ReferenceExpression choice, CancellationToken cancellationToken) =>
        string.Equals(await choice.Condition!.GetValueAsync(cancellationToken).ConfigureAwait(false), choice.MatchValue, StringComparison.OrdinalIgnoreCase);

    private static string AsText(string text) => text.Replace(" | int }}", " | toString }}", StringComparison.Ordinal);

    private static string Endpoint(EndpointReference endpoint, EndpointProperty property, Func<IResource, KubernetesResource?> find)
    {
        if (find(endpoint.Resource) is not { } owner || !owner.Endpoints.TryGetValue(endpoint.EndpointName, out var mapping))
        {
            throw new DistributedApplicationException($"The endpoint '{endpoint.EndpointName}' of '{endpoint.Resource.Name}' is not deployed. Publish '{endpoint.Resource.Name}' as a container: .PublishAsDockerFile().");
        }

        return property switch
        {
            EndpointProperty.Host or EndpointProperty.IPV4Host => mapping.Host,
            EndpointProperty.Port or EndpointProperty.TargetPort => mapping.Port,
            EndpointProperty.Scheme => mapping.Scheme,
            EndpointProperty.HostAndPort => $"{mapping.Host}:{mapping.Port}",
            EndpointProperty.TlsEnabled => mapping.Scheme == "https" ? bool.TrueString : bool.FalseString,
            _ => $"{mapping.Scheme}://{mapping.Host}:{mapping.Port}",
        };
    }

    private async Task<string> ParameterAsync(ParameterResource parameter, CancellationToken cancellationToken)
    {
        var section = parameter.Secret ? "secrets" : "config";
        var key = Section(parameter.Name);
        Defaults[section][key] = parameter.Secret || parameter.Default is null ? "" : await parameter.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? "";
        return $"{{{{ .Values.{section}.{_section}.{key} }}}}";
    }

    private async Task<string> ExpressionAsync(ReferenceExpression expression, Func<IResource, KubernetesResource?> find, CancellationToken cancellationToken)
    {
        var parts = new List<object>();
        foreach (var provider in expression.ValueProviders) parts.Add(await TextAsync(provider, find, cancellationToken).ConfigureAwait(false));
        return string.Format(CultureInfo.InvariantCulture, expression.Format, [.. parts]);
    }
}
