namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that may not be known before the application runs.</summary>
public interface IValueProvider
{
    /// <summary>Resolves the value; waits for what it depends on. Null leaves the variable or argument out.</summary>
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);

    /// <summary>Resolves the value as <paramref name="context"/>'s caller sees it. Default: the caller makes no difference.</summary>
    ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default) => GetValueAsync(cancellationToken);
}

/// <summary>Something a deployment manifest can name by an expression such as <c>{api.bindings.http.url}</c>.</summary>
public interface IManifestExpressionProvider
{
    /// <summary>The expression, braces included.</summary>
    string ValueExpression { get; }
}

/// <summary>A value in run mode and an expression in publish mode.</summary>
public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;

/// <summary>A value made of other values or resources.</summary>
public interface IValueWithReferences
{
    /// <summary>What the value is made of.</summary>
    IEnumerable<object> References { get; }
}

/// <summary>Who asks for a value, and from which network.</summary>
public class ValueProviderContext
{
    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext? ExecutionContext { get; init; }

    /// <summary>The resource the value is for.</summary>
    public IResource? Caller { get; init; }

    /// <summary>The network the value is used in; by default the one the caller runs in.</summary>
    public NetworkIdentifier? Network { get; init; }

    internal NetworkIdentifier EffectiveNetwork =>
        Network ?? (Caller?.IsContainer() == true ? KnownNetworkIdentifiers.DefaultAspireContainerNetwork : KnownNetworkIdentifiers.LocalhostNetwork);
}
