using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A part of an endpoint's address.</summary>
public enum EndpointProperty
{
    /// <summary>scheme://host:port.</summary>
    Url,

    /// <summary>Host name or address.</summary>
    Host,

    /// <summary>The host as an IPv4 address where it is the loopback.</summary>
    IPV4Host,

    /// <summary>The port clients use.</summary>
    Port,

    /// <summary>The scheme.</summary>
    Scheme,

    /// <summary>The port the process binds.</summary>
    TargetPort,

    /// <summary>host:port.</summary>
    HostAndPort,

    /// <summary><c>True</c> or <c>False</c>.</summary>
    TlsEnabled,
}

/// <summary>A resource's endpoint as a value: its URL, once allocated.</summary>
public sealed class EndpointReference : IExpressionValue, IValueWithReferences
{
    private EndpointAnnotation? _annotation;
    private bool? _isAllocated;

    /// <summary>The endpoint of <paramref name="owner"/> with that name; it need not exist yet.</summary>
    public EndpointReference(IResourceWithEndpoints owner, string endpointName) : this(owner, endpointName, null)
    {
    }

    /// <summary>The endpoint with that name, as seen from <paramref name="contextNetworkId"/>.</summary>
    public EndpointReference(IResourceWithEndpoints owner, string endpointName, NetworkIdentifier? contextNetworkId = null)
    {
        Resource = owner ?? throw new ArgumentNullException(nameof(owner));
        EndpointName = endpointName ?? throw new ArgumentNullException(nameof(endpointName));
        ContextNetworkID = contextNetworkId;
    }

    /// <summary>A given endpoint of <paramref name="owner"/>.</summary>
    public EndpointReference(IResourceWithEndpoints owner, EndpointAnnotation endpoint) : this(owner, endpoint, null)
    {
    }

    /// <summary>A given endpoint of <paramref name="owner"/>, as seen from <paramref name="contextNetworkId"/>.</summary>
    public EndpointReference(IResourceWithEndpoints owner, EndpointAnnotation endpoint, NetworkIdentifier? contextNetworkId)
        : this(owner, (endpoint ?? throw new ArgumentNullException(nameof(endpoint))).Name, contextNetworkId) => _annotation = endpoint;

    /// <summary>Whose endpoint it is.</summary>
    public IResourceWithEndpoints Resource { get; }

    /// <summary>The endpoint's name.</summary>
    public string EndpointName { get; }

    /// <summary>What to say when it does not exist.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>The network it is seen from; null for the caller's.</summary>
    public NetworkIdentifier? ContextNetworkID { get; }

    /// <summary>Whether the resource has such an endpoint.</summary>
    public bool Exists => Find() is not null;

    /// <summary>Whether it has an address. The first answer is kept: ask a new reference when asked too early.</summary>
    public bool IsAllocated => _isAllocated ??= FindAllocated() is not null;

    /// <summary>Whether the scheme is http.</summary>
    public bool IsHttp => string.Equals(Scheme, "http", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the scheme is https.</summary>
    public bool IsHttps => string.Equals(Scheme, "https", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the name is http or https.</summary>
    public bool IsHttpSchemeNamedEndpoint => EndpointName.ToLowerInvariant() is "http" or "https";

    /// <summary>Whether it exists and speaks TLS.</summary>
    public bool TlsEnabled => Find()?.TlsEnabled ?? false;

    /// <summary>Whether references to the whole resource leave it out.</summary>
    public bool ExcludeReferenceEndpoint => Find()?.ExcludeReferenceEndpoint ?? false;

    /// <summary>The endpoint. Throws <see cref="InvalidOperationException"/> where it does not exist.</summary>
    public EndpointAnnotation EndpointAnnotation => Find() ?? throw new InvalidOperationException(ErrorMessage ?? MissingMessage());

    /// <summary>The scheme.</summary>
    public string Scheme => EndpointAnnotation.UriScheme;

    /// <summary>The port the process binds, where it is fixed.</summary>
    public int? TargetPort => EndpointAnnotation.TargetPort;

    /// <summary>The port clients use. Throws before allocation.</summary>
    public int Port => Allocated.Port;

    /// <summary>The host. Throws before allocation.</summary>
    public string Host => Allocated.Address;

    /// <summary>The URL. Throws before allocation.</summary>
    public string Url => Allocated.UriString;

    string IManifestExpressionProvider.ValueExpression => Expression(EndpointProperty.Url);

    IEnumerable<object> IValueWithReferences.References => [Resource];

    private AllocatedEndpoint Allocated => FindAllocated()
        ?? throw new InvalidOperationException($"The endpoint `{EndpointName}` is not allocated for the resource `{Resource.Name}`.");

    /// <summary>A part of the address as a value.</summary>
    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    /// <summary>One of two texts, by whether the endpoint speaks TLS when asked.</summary>
    public ReferenceExpression GetTlsValue(ReferenceExpression enabledValue, ReferenceExpression disabledValue) =>
        ReferenceExpression.CreateConditional(Property(EndpointProperty.TlsEnabled), bool.TrueString, enabledValue, disabledValue);

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => Property(EndpointProperty.Url).GetValueAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default) =>
        Property(EndpointProperty.Url).GetValueAsync(context, cancellationToken);

    internal string Expression(EndpointProperty property)
    {
        return property switch
        {
            EndpointProperty.HostAndPort => $"{Binding("host")}:{Binding("port")}",
            EndpointProperty.IPV4Host => Binding("host"),
            EndpointProperty.TargetPort => Binding("targetPort"),
            EndpointProperty.TlsEnabled => Binding("tlsEnabled"),
            _ => Binding(property.ToString().ToLowerInvariant()),
        };

        string Binding(string part) => $"{{{Resource.Name}.bindings.{EndpointName}.{part}}}";
    }

    private EndpointAnnotation? Find() => _annotation ??= Resource.Annotations.OfType<EndpointAnnotation>()
        .SingleOrDefault(e => string.Equals(e.Name, EndpointName, StringComparison.OrdinalIgnoreCase));

    private AllocatedEndpoint? FindAllocated() =>
        Find() is { } endpoint && endpoint.AllAllocatedEndpoints.TryGetAllocatedEndpoint(ContextNetworkID ?? KnownNetworkIdentifiers.LocalhostNetwork, out var allocated) ? allocated : null;

    private string MissingMessage()
    {
        var names = Resource.Annotations.OfType<EndpointAnnotation>().Select(e => $"`{e.Name}`").ToArray();
        return $"The resource `{Resource.Name}` has no endpoint `{EndpointName}`. " + (names.Length == 0 ? "It has no endpoints." : $"Its endpoints: {string.Join(", ", names)}.");
    }
}

/// <summary>A part of an endpoint's address as a value.</summary>
/// <param name="endpointReference">The endpoint.</param>
/// <param name="property">The part.</param>
public class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property) : IExpressionValue, IValueWithReferences
{
    /// <summary>The endpoint.</summary>
    public EndpointReference Endpoint { get; } = endpointReference ?? throw new ArgumentNullException(nameof(endpointReference));

    /// <summary>The part.</summary>
    public EndpointProperty Property { get; } = property;

    /// <inheritdoc/>
    public string ValueExpression => Endpoint.Expression(Property);

    IEnumerable<object> IValueWithReferences.References => [Endpoint];

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => GetValueAsync(new ValueProviderContext(), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default)
    {
        var network = Endpoint.ContextNetworkID ?? context.EffectiveNetwork;
        switch (Property)
        {
            case EndpointProperty.Scheme:
                return Endpoint.Scheme;
            case EndpointProperty.TlsEnabled:
                return Endpoint.TlsEnabled ? bool.TrueString : bool.FalseString;
            case EndpointProperty.IPV4Host when network == KnownNetworkIdentifiers.LocalhostNetwork:
                return "127.0.0.1";
            case EndpointProperty.TargetPort when Endpoint.TargetPort is { } fixedPort and not 0:
                return fixedPort.ToString(CultureInfo.InvariantCulture);
        }

        var allocated = await Endpoint.EndpointAnnotation.AllAllocatedEndpoints.GetAllocatedEndpointAsync(network, cancellationToken).ConfigureAwait(false);
        return Property switch
        {
            EndpointProperty.Url => allocated.UriString,
            EndpointProperty.Port => allocated.Port.ToString(CultureInfo.InvariantCulture),
            EndpointProperty.HostAndPort => allocated.EndPointString,
            EndpointProperty.TargetPort => allocated.TargetPortExpression
                ?? throw new InvalidOperationException($"The endpoint `{Endpoint.EndpointName}` of `{Endpoint.Resource.Name}` has no port of its own to bind."),
            _ => allocated.Address,
        };
    }
}
