using System.Collections.Immutable;

namespace AspireMesh.Hosting.Planning;

/// <summary>Replaces, in the values of one caller, every mention of an endpoint that has a listener on the caller's sidecar.</summary>
internal sealed class ValueRewriter(ImmutableArray<EdgePlan> edges, bool literal = false)
{
    private readonly ImmutableArray<EdgePlan> _edges = edges;

    /// <summary>Whether listeners stand in values as plain text: a publisher knows no values of ours.</summary>
    private readonly bool _literal = literal;

    /// <summary>The value to use instead; the very same object where nothing in it leads through the mesh.</summary>
    public object Rewrite(object value) => value switch
    {
        string text => RewriteText(text),
        EndpointReference endpoint => Listener(endpoint) is { } listener ? Value(listener, EndpointProperty.Url) : endpoint,
        EndpointReferenceExpression part => Listener(part.Endpoint) is { } listener ? Value(listener, part.Property) : part,
        ReferenceExpression expression => Expression(expression),
        ConnectionStringReference connection => Connection(connection, connection.Resource),
        IResourceWithConnectionString resource => Connection(resource, resource),
        ParameterResource parameter when _edges.Any(e => e.To is ExternalServiceResource external && external.UrlParameter == parameter) => new RewrittenText(parameter, this),
        IValueProvider provider when EndpointsInValues.In(provider).Any(e => Find(e.Resource, e.Endpoint) is not null) => new RewrittenText(provider, this),
        _ => value,
    };

    /// <summary>
    /// Replaces addresses in text that is already resolved. An endpoint's address is known by now, so that a callback which wrote it down itself,
    /// or a value that cannot be taken apart, still leads through the mesh.
    /// </summary>
    public string RewriteText(string text)
    {
        foreach (var edge in _edges)
        {
            if (edge.Outside is { } uri)
            {
                text = AddressText.Replace(text, uri, edge.Listener);
            }
            else if (edge.Endpoint?.AllocatedEndpoint is { } allocated)
            {
                text = AddressText.Replace(text, allocated, edge.Listener);
            }
        }
        return text;
    }

    private object Connection(object value, IResourceWithConnectionString resource)
    {
        var expression = ConnectionStrings.ExpressionOf(resource);
        var rewritten = Expression(expression);
        return ReferenceEquals(rewritten, expression) ? value : rewritten;
    }

    private ReferenceExpression Expression(ReferenceExpression expression)
    {
        if (expression.IsConditional)
        {
            var condition = (IValueProvider)new ValueRewriter(_edges).Rewrite(expression.Condition!);
            var whenTrue = Expression(expression.WhenTrue!);
            var whenFalse = Expression(expression.WhenFalse!);
            return condition == expression.Condition && whenTrue == expression.WhenTrue && whenFalse == expression.WhenFalse
                ? expression
                : ReferenceExpression.CreateConditional(condition, expression.MatchValue!, whenTrue, whenFalse);
        }

        var providers = expression.ValueProviders.Select(Rewrite).ToArray();
        return providers.Zip(expression.ValueProviders).All(p => ReferenceEquals(p.First, p.Second))
            ? expression
            : Rebuild(expression, providers);
    }

    /// <summary>Walks the composite format: the text between the holes, and each hole's value with its encoding.</summary>
    private static ReferenceExpression Rebuild(ReferenceExpression expression, object[] providers)
    {
        var builder = new ReferenceExpressionBuilder();
        foreach (var (literal, hole) in CompositeFormat.Parse(expression.Format))
        {
            // Aspire takes literals as parts of a format and doubles no brace by itself.
            if (literal.Length > 0) builder.AppendLiteral(CompositeFormat.Escape(literal));
            if (hole is not { } index) continue;
            if (providers[index] is string text) builder.AppendLiteral(CompositeFormat.Escape(text));
            else builder.AppendValueProvider((IValueProvider)providers[index], expression.StringFormats[index]);
        }
        return builder.Build();
    }

    private MeshListener? Listener(EndpointReference endpoint) => Find(endpoint.Resource, endpoint.EndpointName)?.Listener;

    private EdgePlan? Find(IResource resource, string endpoint) =>
        _edges.FirstOrDefault(e => e.To.Name == resource.Name && e.Endpoint is { } known
            && (string.Equals(known.Name, endpoint, StringComparison.OrdinalIgnoreCase) || (_literal && IsTwin(e.To, endpoint, known))));

    /// <summary>In a cluster a project's https endpoint is reached at its http twin.</summary>
    private static bool IsTwin(IResource owner, string endpoint, EndpointAnnotation known) =>
        owner.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => string.Equals(e.Name, endpoint, StringComparison.OrdinalIgnoreCase)) is { } other && ClusterPorts.Reached(owner, other) == known;

    private object Value(MeshListener listener, EndpointProperty property) => _literal ? listener.Text(property) : new MeshListenerValue(listener, property);
}

/// <summary>A third party's value that cannot be taken apart: resolved as it is, then its addresses are replaced.</summary>
internal sealed class RewrittenText(IValueProvider inner, ValueRewriter rewriter) : IExpressionValue
{
    string IManifestExpressionProvider.ValueExpression => (inner as IManifestExpressionProvider)?.ValueExpression ?? "";

    async ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) =>
        await inner.GetValueAsync(cancellationToken) is { } text ? rewriter.RewriteText(text) : null;

    async ValueTask<string?> IValueProvider.GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken) =>
        await inner.GetValueAsync(context, cancellationToken) is { } text ? rewriter.RewriteText(text) : null;
}
