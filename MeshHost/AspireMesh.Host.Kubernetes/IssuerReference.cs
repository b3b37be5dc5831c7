namespace AspireMesh.Host.Kubernetes;

/// <summary>An issuer, as cert-manager's <c>issuerRef</c> names it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind"><c>Issuer</c> (in the mesh's namespace), <c>ClusterIssuer</c>, or the kind of an external issuer.</param>
/// <param name="Group">Its API group; another one than the default for external issuers.</param>
public sealed record IssuerReference(string Name, string Kind = "Issuer", string Group = "cert-manager.io");
