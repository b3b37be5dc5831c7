using Microsoft.Extensions.Configuration;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary><c>--strict</c>, or <c>--Mesh:Strict=true</c>: any loss is an error.</summary>
internal static class Strictness
{
    public static bool IsAsked(IConfiguration configuration) =>
        configuration.GetValue("Mesh:Strict", false) || configuration["strict"] is not null || Environment.GetCommandLineArgs().Contains("--strict", StringComparer.Ordinal);
}
