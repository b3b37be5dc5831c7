using System.Collections.Immutable;
using System.Globalization;

namespace AspireMesh.Hosting.Planning;

/// <summary>An outbound listener as the caller sees it: address and scheme. Plain, whatever the callee's endpoint was: TLS is the sidecars' business.</summary>
/// <param name="Scheme">http, or the callee's own scheme where it is opaque.</param>
/// <param name="Ports">By replica of the caller; one where replicas cannot be told apart.</param>
/// <param name="Key">Names the port where it differs by replica.</param>
internal sealed record MeshListener(string Scheme, ImmutableArray<int> Ports, string Key)
{
    /// <summary>The IPv4 loopback: a name would be tried on IPv6 first, where somebody else may listen on that port.</summary>
    public const string Loopback = "127.0.0.1";

    /// <summary>Where it is: on loopback, or for a container on the engine's bridge.</summary>
    public string Host { get; init; } = Loopback;

    /// <summary>The port as text in a value: the number, or what the host replaces for each replica when it starts the process.</summary>
    public string PortText => Ports.Length == 1 ? Ports[0].ToString(CultureInfo.InvariantCulture) : $"{{{{- replicaValue \"{Key}\" -}}}}";

    /// <summary>A part of the listener's address.</summary>
    public string Text(EndpointProperty property) => property switch
    {
        EndpointProperty.Host or EndpointProperty.IPV4Host => Host,
        EndpointProperty.Port or EndpointProperty.TargetPort => PortText,
        EndpointProperty.Scheme => Scheme,
        EndpointProperty.HostAndPort => $"{Host}:{PortText}",
        EndpointProperty.TlsEnabled => bool.FalseString,
        _ => $"{Scheme}://{Host}:{PortText}",
    };
}

/// <summary>A part of a listener's address as a value.</summary>
internal sealed record MeshListenerValue(MeshListener Listener, EndpointProperty Property) : IExpressionValue
{
    string IManifestExpressionProvider.ValueExpression => Listener.Text(Property);

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => new(Listener.Text(Property));

    ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken) => new(Listener.Text(Property));
}
