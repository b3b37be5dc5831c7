using System.Collections.Immutable;
using System.Text.Json;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Host.Identity;

/// <summary>What is kept of a CA: its roots with their keys, and which of them issues.</summary>
/// <param name="Issuing">Thumbprint of the root that issues.</param>
/// <param name="Roots">Certificate and key of each, PEM.</param>
public sealed record StoredAuthority(string Issuing, ImmutableArray<StoredRoot> Roots)
{
    /// <summary>The intermediate that an issuer outside gave, with its key: below it are the SVIDs, and the roots have no keys here. Null for a CA of the mesh's own.</summary>
    public StoredSigner? Signer { get; init; }
}

/// <summary>An intermediate that an issuer outside gave.</summary>
/// <param name="Chain">Certificates, PEM: the intermediate first, the root last.</param>
/// <param name="Key">Key of the first, PEM, PKCS#8, unencrypted: a secret.</param>
public sealed record StoredSigner(string Chain, string Key);

/// <summary>One root.</summary>
/// <param name="Certificate">PEM.</param>
/// <param name="Key">PEM, PKCS#8, unencrypted: a secret. Empty where the key is not ours.</param>
public sealed record StoredRoot(string Certificate, string Key);

/// <summary>Where a CA's roots are kept between two starts.</summary>
public interface IAuthorityStore
{
    /// <summary>What was kept, or null when there is nothing yet.</summary>
    /// <exception cref="MeshValidationException">What is there cannot be used.</exception>
    StoredAuthority? Load();

    /// <summary>Replaces what is kept, as a whole.</summary>
    /// <exception cref="MeshValidationException">It could not be kept; what is kept has not changed.</exception>
    void Save(StoredAuthority authority);
}

/// <summary>Keeps the CA's roots in one file (mode 0600), replaced as a whole so that a crash leaves either the old or the new one.</summary>
internal sealed class AuthorityStore(string directory) : IAuthorityStore
{
    private readonly string _file = Path.Combine(directory, "authority.json");

    /// <summary>What was kept, or null when there is nothing yet.</summary>
    /// <exception cref="MeshValidationException">The file cannot be used.</exception>
    public StoredAuthority? Load()
    {
        if (!File.Exists(_file)) return null;
        if (PrivateFile.ReadableByOthers(_file))
        {
            throw Bad($"other users may read the root key in '{_file}'. Type: chmod 600 '{_file}'");
        }
        try
        {
            return JsonSerializer.Deserialize<StoredAuthority>(File.ReadAllText(_file), JsonSerializerOptions.Web) is { Roots.IsDefaultOrEmpty: false } stored
                ? stored
                : throw Bad($"'{_file}' holds no root. Remove it to get a new CA");
        }
        catch (JsonException e)
        {
            throw Bad($"'{_file}' cannot be read ({e.Message}). Remove it to get a new CA");
        }
    }

    /// <summary>Replaces what is kept.</summary>
    /// <exception cref="MeshValidationException">It cannot be written.</exception>
    public void Save(StoredAuthority authority)
    {
        try
        {
            PrivateFile.Write(_file, JsonSerializer.SerializeToUtf8Bytes(authority, JsonSerializerOptions.Web));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Bad($"its root key cannot be kept in '{_file}' ({e.Message}). Set {StateDirectories.Variable} to a directory that can be written");
        }
    }

    private static MeshValidationException Bad(string message) => new([MeshDiagnostics.BadCertificateAuthority.Found($"The certificate authority cannot be used: {message}.")]);
}
