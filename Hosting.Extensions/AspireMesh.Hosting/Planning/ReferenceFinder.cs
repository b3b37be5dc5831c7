using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Hosting.Planning;

/// <summary>
/// Finds whom a resource calls: from its references, and from the values of its environment and arguments. The callbacks are called directly,
/// because evaluating them through the host would be remembered and hide everything that is added later.
/// </summary>
internal sealed class ReferenceFinder(DistributedApplicationExecutionContext context, TimeProvider time)
{
    /// <summary>A callback that waits for what is only known at run time is given up after this long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>What a resource refers to.</summary>
    public sealed record Found(IReadOnlyList<(IResource Resource, string Endpoint)> Endpoints, IReadOnlyList<ExternalServiceResource> External, IReadOnlyList<MeshProblem> Warnings);

    /// <summary>Everything that <paramref name="resource"/> refers to, itself left out.</summary>
    public async Task<Found> FindAsync(IResource resource, CancellationToken cancellationToken)
    {
        List<(IResource Resource, string Endpoint)> endpoints = [];
        List<MeshProblem> warnings = [];
        foreach (var reference in resource.Annotations.OfType<EndpointReferenceAnnotation>()) endpoints.AddRange(Named(reference));
        foreach (var value in await EnvironmentAsync(resource, warnings, cancellationToken)) Add(value);
        foreach (var value in await ArgumentsAsync(resource, warnings, cancellationToken)) Add(value);
        var external = resource.Annotations.OfType<ResourceRelationshipAnnotation>().Select(r => r.Resource).OfType<ExternalServiceResource>().Distinct();
        return new Found([.. endpoints.Where(e => e.Resource != resource).Distinct()], [.. external], warnings);

        void Add(object? value)
        {
            try
            {
                endpoints.AddRange(EndpointsInValues.In(value));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                warnings.Add(MeshDiagnostics.ValueNotSeen.Found($"A value of '{resource.Name}' could not be looked into ({e.Message}): what it refers to is not led through the mesh. Add .WithReference(…) on '{resource.Name}'."));
            }
        }
    }

    private static IEnumerable<(IResource Resource, string Endpoint)> Named(EndpointReferenceAnnotation reference)
    {
        var all = reference.Resource.Annotations.OfType<EndpointAnnotation>();
        var named = reference.UseAllEndpoints ? all.Where(e => !e.ExcludeReferenceEndpoint) : all.Where(e => reference.EndpointNames.Contains(e.Name));
        return named.Select(e => ((IResource)reference.Resource, e.Name));
    }

    private async Task<IEnumerable<object>> EnvironmentAsync(IResource resource, List<MeshProblem> warnings, CancellationToken cancellationToken)
    {
        Dictionary<string, object> variables = [];
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
        {
            await PeekAsync(resource, token => callback.Callback(new EnvironmentCallbackContext(context, resource, variables, token)), warnings, cancellationToken);
        }
        return variables.Values;
    }

    private async Task<IEnumerable<object>> ArgumentsAsync(IResource resource, List<MeshProblem> warnings, CancellationToken cancellationToken)
    {
        List<object> arguments = [];
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
        {
            await PeekAsync(resource, token => callback.Callback(new CommandLineArgsCallbackContext(arguments, resource, token) { ExecutionContext = context }), warnings, cancellationToken);
        }
        return arguments;
    }

    private async Task PeekAsync(IResource resource, Func<CancellationToken, Task> callback, List<MeshProblem> warnings, CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await callback(giveUp.Token).WaitAsync(Patience, time, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            await giveUp.CancelAsync();
            var why = e is TimeoutException ? "it waits for something that is only known once the application runs" : e.Message;
            warnings.Add(MeshDiagnostics.ValueNotSeen.Found($"A callback of '{resource.Name}' could not be evaluated while planning ({why}). If it names an endpoint, add .WithReference(…) on '{resource.Name}', and use the EndpointReference itself as the value."));
        }
    }
}
