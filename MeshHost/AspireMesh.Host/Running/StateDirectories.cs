using System.Security.Cryptography;
using System.Text;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.Host.Running;

/// <summary>Where the CAs of a user's AppHosts are kept, so that trust survives a restart: one directory each, which only the user may enter.</summary>
public static class StateDirectories
{
    /// <summary>The environment variable that moves all of them.</summary>
    public const string Variable = "ASPIREMESH_STATE_DIR";

    /// <summary><c>ASPIREMESH_STATE_DIR</c>; <c>ca</c> beside the run files where <c>ASPIREMESH_RUN_DIR</c> moves those; else <c>.aspiremesh/ca</c> in the user's profile.</summary>
    public static string Default =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set ? set
        : Environment.GetEnvironmentVariable(RunFile.DirectoryVariable) is { Length: > 0 } run ? Path.Combine(run, "ca")
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aspiremesh", "ca");

    /// <summary>
    /// The directory of one AppHost. Its place and its trust domain both count: two AppHosts never share a CA, whatever they call themselves, and one that
    /// changes its trust domain gets a new CA.
    /// </summary>
    /// <param name="appHost">The AppHost's name, for people who look.</param>
    /// <param name="place">The path of its project.</param>
    /// <param name="trustDomain">The mesh's trust domain.</param>
    public static string Of(string appHost, string place, string trustDomain)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{place}\n{trustDomain}")))[..16];
        return Path.Combine(Default, $"{string.Concat(appHost.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_'))}-{hash}");
    }
}
