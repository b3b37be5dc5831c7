using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Evaluates a resource's arguments and environment.</summary>
public interface IExecutionConfigurationBuilder
{
    /// <summary>Evaluates what was asked for. Callbacks run once; their results are kept until the resource is started anew.</summary>
    Task<IExecutionConfigurationResult> BuildAsync(DistributedApplicationExecutionContext executionContext, ILogger? resourceLogger = null, CancellationToken cancellationToken = default);
}

/// <summary>A resource's arguments and environment.</summary>
public interface IExecutionConfigurationResult
{
    /// <summary>The arguments, and which are secret.</summary>
    IEnumerable<(string Value, bool IsSensitive)> Arguments { get; }

    /// <summary>The variables.</summary>
    IEnumerable<KeyValuePair<string, string>> EnvironmentVariables { get; }

    /// <summary>What failed; null where all values were found.</summary>
    Exception? Exception { get; }
}

/// <summary>Evaluates a resource's arguments and environment.</summary>
public sealed class ExecutionConfigurationBuilder : IExecutionConfigurationBuilder
{
    private readonly IResource _resource;

    private ExecutionConfigurationBuilder(IResource resource) => _resource = resource;

    internal bool WithArguments { get; set; }

    internal bool WithEnvironment { get; set; }

    /// <summary>For that resource.</summary>
    public static IExecutionConfigurationBuilder Create(IResource resource) => new ExecutionConfigurationBuilder(resource ?? throw new ArgumentNullException(nameof(resource)));

    /// <inheritdoc/>
    public async Task<IExecutionConfigurationResult> BuildAsync(DistributedApplicationExecutionContext executionContext, ILogger? resourceLogger = null, CancellationToken cancellationToken = default)
    {
        var logger = resourceLogger ?? NullLogger.Instance;
        var result = new Result();
        var context = new ValueProviderContext { ExecutionContext = executionContext, Caller = _resource };
        if (WithArguments)
        {
            foreach (var argument in await ArgumentsAsync(executionContext, logger, cancellationToken).ConfigureAwait(false))
            {
                if (await ResolveAsync("an argument", argument, context, result, cancellationToken).ConfigureAwait(false) is { } value)
                {
                    result.ArgumentList.Add((value, IsSecret(argument)));
                }
            }
        }

        if (WithEnvironment)
        {
            foreach (var (name, unresolved) in await VariablesAsync(executionContext, logger, cancellationToken).ConfigureAwait(false))
            {
                if (await ResolveAsync($"the variable '{name}'", unresolved, context, result, cancellationToken).ConfigureAwait(false) is { } value)
                {
                    result.Variables[name] = value;
                }
            }
        }

        return result;
    }

    private async Task<List<object>> ArgumentsAsync(DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var fresh = new List<object>();
        var evaluated = fresh;
        foreach (var annotation in _resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
        {
            evaluated = await annotation.Evaluated.GetAsync(async () =>
            {
                await annotation.Callback(new CommandLineArgsCallbackContext(fresh, _resource, cancellationToken) { ExecutionContext = executionContext, Logger = logger }).ConfigureAwait(false);
                return fresh;
            }).ConfigureAwait(false);
        }

        return evaluated;
    }

    // A callback that was evaluated before gives the dictionary of that time: one added since starts from an empty one (Aspire does the same).
    private async Task<Dictionary<string, object>> VariablesAsync(DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var fresh = new Dictionary<string, object>();
        var evaluated = fresh;
        foreach (var annotation in _resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
        {
            evaluated = await annotation.Evaluated.GetAsync(async () =>
            {
                await annotation.Callback(new EnvironmentCallbackContext(executionContext, _resource, fresh, cancellationToken) { Logger = logger }).ConfigureAwait(false);
                return fresh;
            }).ConfigureAwait(false);
        }

        return evaluated;
    }

    private async Task<string?> ResolveAsync(string what, object? value, ValueProviderContext context, Result result, CancellationToken cancellationToken)
    {
        try
        {
            return (context.ExecutionContext!.IsPublishMode, value) switch
            {
                (_, null) => null,
                (_, string text) => text,
                (true, IManifestExpressionProvider expression) => expression.ValueExpression,
                (_, IValueProvider provider) => await provider.GetValueAsync(context, cancellationToken).ConfigureAwait(false),
                _ => Convert.ToString(value, CultureInfo.InvariantCulture),
            };
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            result.Exceptions.Add(new DistributedApplicationException($"{_resource.Name}: {what} has no value: {exception.Message}", exception));
            return null;
        }
    }

    private static bool IsSecret(object value) => value is ParameterResource { Secret: true };

    private sealed class Result : IExecutionConfigurationResult
    {
        public List<(string Value, bool IsSensitive)> ArgumentList { get; } = [];

        public Dictionary<string, string> Variables { get; } = [];

        public List<Exception> Exceptions { get; } = [];

        public IEnumerable<(string Value, bool IsSensitive)> Arguments => ArgumentList;

        public IEnumerable<KeyValuePair<string, string>> EnvironmentVariables => Variables;

        public Exception? Exception => Exceptions.Count switch
        {
            0 => null,
            1 => Exceptions[0],
            _ => new AggregateException(Exceptions),
        };
    }
}

/// <summary>Chooses what is evaluated.</summary>
public static class ExecutionConfigurationBuilderExtensions
{
    /// <summary>The arguments.</summary>
    public static IExecutionConfigurationBuilder WithArgumentsConfig(this IExecutionConfigurationBuilder builder)
    {
        ((ExecutionConfigurationBuilder)builder).WithArguments = true;
        return builder;
    }

    /// <summary>The environment.</summary>
    public static IExecutionConfigurationBuilder WithEnvironmentVariablesConfig(this IExecutionConfigurationBuilder builder)
    {
        ((ExecutionConfigurationBuilder)builder).WithEnvironment = true;
        return builder;
    }
}
