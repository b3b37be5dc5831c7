using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A resource's named port.</summary>
public sealed class EndpointAnnotation : IResourceAnnotation
{
    private int? _port;
    private int? _targetPort;
    private bool? _tlsEnabled;
    private string? _transport;

    /// <summary>An endpoint in the host's network.</summary>
    public EndpointAnnotation(ProtocolType protocol, string? uriScheme = null, string? transport = null, string? name = null, int? port = null, int? targetPort = null, bool? isExternal = null, bool? isProxied = null)
        : this(protocol, null, uriScheme, transport, name, port, targetPort, isExternal, isProxied)
    {
    }

    /// <summary>An endpoint in the host's network.</summary>
    public EndpointAnnotation(ProtocolType protocol, string? uriScheme, string? transport, string? name, int? port, int? targetPort, bool? isExternal, bool isProxied)
        : this(protocol, null, uriScheme, transport, name, port, targetPort, isExternal, (bool?)isProxied)
    {
    }

    /// <summary>An endpoint in <paramref name="networkId"/>.</summary>
    public EndpointAnnotation(ProtocolType protocol, NetworkIdentifier? networkId, string? uriScheme, string? transport, string? name, int? port, int? targetPort, bool? isExternal, bool isProxied)
        : this(protocol, networkId, uriScheme, transport, name, port, targetPort, isExternal, (bool?)isProxied)
    {
    }

    /// <summary>An endpoint in <paramref name="networkId"/>. The scheme defaults to the protocol's name, the name to the scheme.</summary>
    public EndpointAnnotation(ProtocolType protocol, NetworkIdentifier? networkId, string? uriScheme = null, string? transport = null, string? name = null, int? port = null, int? targetPort = null, bool? isExternal = null, bool? isProxied = null)
    {
        Protocol = protocol;
        UriScheme = uriScheme ?? protocol.ToString().ToLowerInvariant();
        _transport = transport;
        Name = name ?? UriScheme;
        _port = port;
        _targetPort = targetPort;
        IsExternal = isExternal ?? false;
        IsExplicitlyProxied = isProxied;
        DefaultNetworkID = networkId ?? KnownNetworkIdentifiers.LocalhostNetwork;
    }

    /// <summary>The name, unique within the resource.</summary>
    public string Name { get; set; }

    /// <summary>Tcp or Udp.</summary>
    public ProtocolType Protocol { get; set; }

    /// <summary>The port clients use; null for any. Without a proxy it is also the port the process binds.</summary>
    public int? Port
    {
        get => _port is null or 0 && !IsProxied ? _targetPort : _port;
        set => _port = value;
    }

    /// <summary>The port the process binds; null for any. Without a proxy it is also the port clients use.</summary>
    public int? TargetPort
    {
        get => _targetPort is null or 0 && !IsProxied ? _port : _targetPort;
        set => _targetPort = value;
    }

    /// <summary>The scheme of the endpoint's URLs.</summary>
    public string UriScheme { get; set; }

    /// <summary>The address the process is asked to bind. Default: localhost.</summary>
    public string TargetHost { get; set; } = KnownHostNames.Localhost;

    /// <summary><c>http</c>, <c>http2</c> or <c>tcp</c>; by default what the scheme says.</summary>
    public string Transport
    {
        get => _transport ?? (UriScheme is "http" or "https" ? "http" : Protocol.ToString().ToLowerInvariant());
        set => _transport = value;
    }

    /// <summary>Whether it is meant to be reached from outside.</summary>
    public bool IsExternal { get; set; }

    /// <summary>Whether a forwarder owns the public port. Default: yes.</summary>
    public bool IsProxied
    {
        get => IsExplicitlyProxied ?? true;
        set => IsExplicitlyProxied = value;
    }

    /// <summary>What was said about <see cref="IsProxied"/>; null when nothing was.</summary>
    public bool? IsExplicitlyProxied { get; set; }

    /// <summary>Whether references to the whole resource leave this endpoint out.</summary>
    public bool ExcludeReferenceEndpoint { get; set; }

    /// <summary>Whether it speaks TLS. Default: the scheme is https.</summary>
    public bool TlsEnabled
    {
        get => _tlsEnabled ?? string.Equals(UriScheme, "https", StringComparison.OrdinalIgnoreCase);
        set => _tlsEnabled = value;
    }

    /// <summary>The network of <see cref="AllocatedEndpoint"/>.</summary>
    public NetworkIdentifier DefaultNetworkID { get; }

    /// <summary>Where it is reached in its own network; null before allocation.</summary>
    public AllocatedEndpoint? AllocatedEndpoint
    {
        get => AllAllocatedEndpoints.TryGetAllocatedEndpoint(DefaultNetworkID, out var endpoint) ? endpoint : null;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(value.NetworkID, value);
        }
    }

    /// <summary>The variable that gets the port to bind, where one was named.</summary>
    internal string? TargetPortVariable { get; set; }

    /// <summary>Where it is reached, by network.</summary>
    public NetworkEndpointSnapshotList AllAllocatedEndpoints { get; } = new();
}

/// <summary>Whether a resource's endpoints get a forwarder, for all of them at once.</summary>
public sealed class ProxySupportAnnotation : IResourceAnnotation
{
    /// <summary>False: every endpoint is bound by the process itself.</summary>
    public required bool ProxyEnabled { get; set; }
}

/// <summary>Says that a resource references endpoints of another.</summary>
/// <param name="resource">The other resource.</param>
public sealed class EndpointReferenceAnnotation(IResourceWithEndpoints resource) : IResourceAnnotation
{
    /// <summary>The other resource.</summary>
    public IResourceWithEndpoints Resource { get; } = resource ?? throw new ArgumentNullException(nameof(resource));

    /// <summary>Whether all endpoints are meant that do not exclude themselves.</summary>
    public bool UseAllEndpoints { get; set; }

    /// <summary>The endpoints meant, unless all are.</summary>
    public ISet<string> EndpointNames { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The network the reference is used in.</summary>
    public NetworkIdentifier ContextNetworkId { get; set; } = KnownNetworkIdentifiers.LocalhostNetwork;
}
