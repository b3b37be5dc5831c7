using System.Reflection;

namespace AspireMesh.Proxy.Control;

/// <summary>The version of this build.</summary>
internal static class ProxyVersion
{
    /// <summary>For example <c>0.1.0</c>.</summary>
    public static string Text { get; } = typeof(ProxyVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
