namespace AspireMesh.Hosting.Planning;

/// <summary>Finds the endpoints that a value names, however deep: connection strings, interpolated expressions, conditionals, values of third parties.</summary>
internal sealed class EndpointsInValues
{
    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly List<(IResource Resource, string Endpoint)> _found = [];

    private EndpointsInValues()
    {
    }

    /// <summary>The endpoints in <paramref name="value"/>, each once.</summary>
    public static IReadOnlyList<(IResource Resource, string Endpoint)> In(object? value)
    {
        var walk = new EndpointsInValues();
        walk.Visit(value);
        return [.. walk._found.Distinct()];
    }

    private void Visit(object? value)
    {
        if (value is null or string || (!value.GetType().IsValueType && !_seen.Add(value))) return;
        switch (value)
        {
            case EndpointReference endpoint:
                _found.Add((endpoint.Resource, endpoint.EndpointName));
                break;
            case EndpointReferenceExpression part:
                Visit(part.Endpoint);
                break;
            case ReferenceExpression { IsConditional: true } choice:
                Visit(choice.Condition);
                Visit(choice.WhenTrue);
                Visit(choice.WhenFalse);
                break;
            case ReferenceExpression text:
                foreach (var provider in text.ValueProviders) Visit(provider);
                break;
            case ConnectionStringReference connection:
                Visit(connection.Resource);
                break;
            case IResourceWithConnectionString resource:
                Visit(ConnectionStrings.ExpressionOf(resource));
                break;
            case IResourceBuilder<IResource> builder:
                Visit(builder.Resource);
                break;
            case IValueWithReferences references:
                foreach (var reference in references.References) Visit(reference);
                break;
            case IResourceWithParent child:
                Visit(child.Parent);
                break;
            case IResourceWithEndpoints owner:
                // A third party's value that names a whole resource: any of its endpoints may be in it.
                _found.AddRange(owner.Annotations.OfType<EndpointAnnotation>().Select(e => ((IResource)owner, e.Name)));
                break;
        }
    }
}

/// <summary>Connection strings of resources.</summary>
internal static class ConnectionStrings
{
    /// <summary>The expression in force: a resource may lead to another one's.</summary>
    public static ReferenceExpression ExpressionOf(IResourceWithConnectionString resource) =>
        resource.TryGetLastAnnotation<ConnectionStringRedirectAnnotation>(out var redirect) ? ExpressionOf(redirect.Resource) : resource.ConnectionStringExpression;
}
