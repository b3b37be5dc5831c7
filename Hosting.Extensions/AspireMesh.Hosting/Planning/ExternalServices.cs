using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>Destinations outside the mesh that the AppHost names.</summary>
internal static class ExternalServices
{
    /// <summary>Why calls to it do not go through the sidecar; null where they do.</summary>
    public static string? Refusal(ExternalServiceResource external) => external.Uri switch
    {
        null => "its address is a parameter, known at run time only. Give it as a Uri: AddExternalService(name, \"https://…\").",
        { Scheme: not ("http" or "https") } uri => $"its scheme is '{uri.Scheme}', and only http and https are carried out of the mesh.",
        _ => null,
    };

    /// <summary>As the control plane is told.</summary>
    public static ExternalServiceModel Model(ExternalServiceResource external) => new()
    {
        Name = external.Name,
        Host = external.Uri!.Host,
        Port = external.Uri.Port,
        Tls = external.Uri.Scheme == "https",
    };
}
