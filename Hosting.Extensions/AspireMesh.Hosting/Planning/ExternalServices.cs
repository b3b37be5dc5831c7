using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>Destinations outside the mesh that the AppHost names, and where they are: a Uri written there, or a parameter that has its value when the application starts.</summary>
internal sealed class ExternalServices(DistributedApplicationExecutionContext context, TimeProvider time)
{
    /// <summary>A parameter whose value somebody has yet to type in is not waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<ExternalServiceResource, Uri?> _known = [];

    /// <summary>Where a service is; null where that is not known yet, or cannot be carried.</summary>
    public Uri? AddressOf(ExternalServiceResource external) => _known.GetValueOrDefault(external);

    /// <summary>Why calls to it do not go through the sidecar; null where they do.</summary>
    public async Task<string?> RefusalAsync(ExternalServiceResource external, CancellationToken cancellationToken)
    {
        if (!_known.TryGetValue(external, out var uri)) uri = external.Uri ?? await ValueAsync(external.UrlParameter!, cancellationToken);
        var why = uri switch
        {
            null when !context.IsRunMode => $"its address is the parameter '{external.UrlParameter?.Name}', whose value is known where it is deployed and not here. Write AddExternalService(name, \"https://…\").",
            null => $"its address is the parameter '{external.UrlParameter?.Name}', which has no URL as its value at the start. Give it one, for example with --Parameters:{external.UrlParameter?.Name}=https://…, or write AddExternalService(name, \"https://…\").",
            { Scheme: not ("http" or "https") } => $"its scheme is '{uri.Scheme}', and only http and https are carried out of the mesh.",
            _ => null,
        };
        _known[external] = why is null ? uri : null;
        return why;
    }

    /// <summary>As the control plane is told.</summary>
    public ExternalServiceModel Model(ExternalServiceResource external)
    {
        var uri = AddressOf(external)!;
        return new ExternalServiceModel { Name = external.Name, Host = uri.HostNameType is UriHostNameType.Dns ? uri.IdnHost : uri.Host, Port = uri.Port, Tls = uri.Scheme == "https", TrustedRoots = external.TryGetLastAnnotation<MeshTrustAnnotation>(out var trust) ? trust.Roots : null };
    }

    private async Task<Uri?> ValueAsync(ParameterResource parameter, CancellationToken cancellationToken)
    {
        // In publish mode a parameter is filled in where it is deployed.
        if (!context.IsRunMode) return null;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var value = await parameter.GetValueAsync(giveUp.Token).AsTask().WaitAsync(Patience, time, cancellationToken);
            return Uri.TryCreate(value, UriKind.Absolute, out var uri) ? uri : null;
        }
        catch (Exception e) when (e is TimeoutException or DistributedApplicationException && !cancellationToken.IsCancellationRequested)
        {
            await giveUp.CancelAsync();
            return null;
        }
    }
}
