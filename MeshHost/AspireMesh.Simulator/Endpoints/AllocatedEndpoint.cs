using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Which addresses a port was opened on.</summary>
public enum EndpointBindingMode
{
    /// <summary>One address.</summary>
    SingleAddress,

    /// <summary>Every IPv4 and IPv6 address.</summary>
    DualStackAnyAddresses,

    /// <summary>Every IPv4 address.</summary>
    IPv4AnyAddresses,

    /// <summary>Every IPv6 address.</summary>
    IPv6AnyAddresses,
}

/// <summary>Where an endpoint can be reached in one network.</summary>
public class AllocatedEndpoint
{
    /// <summary>An address in the endpoint's own network.</summary>
    public AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port, string? targetPortExpression = null)
        : this(endpoint, address, port, EndpointBindingMode.SingleAddress, targetPortExpression, null)
    {
    }

    /// <summary>An address in the endpoint's own network.</summary>
    public AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port, EndpointBindingMode bindingMode, string? targetPortExpression = null)
        : this(endpoint, address, port, bindingMode, targetPortExpression, null)
    {
    }

    /// <summary>An address in <paramref name="networkId"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="port"/> is not 1–65535.</exception>
    public AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port, EndpointBindingMode bindingMode, string? targetPortExpression = null, NetworkIdentifier? networkId = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentException.ThrowIfNullOrEmpty(address);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65535);
        Endpoint = endpoint;
        Address = address;
        Port = port;
        BindingMode = bindingMode;
        TargetPortExpression = targetPortExpression;
        NetworkID = networkId ?? endpoint.DefaultNetworkID;
    }

    /// <summary>The endpoint.</summary>
    public EndpointAnnotation Endpoint { get; }

    /// <summary>Host name or IP address.</summary>
    public string Address { get; }

    /// <summary>The port clients connect to.</summary>
    public int Port { get; }

    /// <summary>Which addresses the port was opened on.</summary>
    public EndpointBindingMode BindingMode { get; }

    /// <summary>The network the address is valid in.</summary>
    public NetworkIdentifier NetworkID { get; }

    /// <summary>Text that becomes the port the process has to bind, when its own process starts.</summary>
    public string? TargetPortExpression { get; }

    /// <summary>The endpoint's scheme.</summary>
    public string UriScheme => Endpoint.UriScheme;

    /// <summary><c>address:port</c>.</summary>
    public string EndPointString => string.Create(CultureInfo.InvariantCulture, $"{Address}:{Port}");

    /// <summary><c>scheme://address:port</c>.</summary>
    public string UriString => $"{UriScheme}://{EndPointString}";

    /// <inheritdoc/>
    public override string ToString() => Endpoint.Transport == "tcp" && UriScheme == "tcp" ? EndPointString : UriString;
}
