using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Aspire.Hosting.ApplicationModel;

namespace AspireMesh.Simulator.ProjectFiles;

/// <summary>A certificate for projects' https endpoints, made at each start and never trusted by the system, so that https endpoints work on a machine without a developer certificate.</summary>
internal sealed class DevelopmentCertificate(TimeProvider timeProvider) : IDisposable
{
    private const string PathVariable = "Kestrel__Certificates__Default__Path";
    private const string PasswordVariable = "Kestrel__Certificates__Default__Password";

    private readonly Lock _gate = new();
    private string? _directory;
    private (string Path, string Password)? _made;

    /// <summary>Gives the certificate to a project that has an https endpoint and none of its own.</summary>
    public void AddTo(ProjectResource project, Dictionary<string, string> environment)
    {
        if (environment.ContainsKey(PathVariable) || !project.Annotations.OfType<EndpointAnnotation>().Any(e => e.UriScheme == "https"))
        {
            return;
        }

        lock (_gate)
        {
            var (path, password) = _made ??= Make();
            environment[PathVariable] = path;
            environment[PasswordVariable] = password;
        }
    }

    public void Dispose()
    {
        if (_directory is not null && Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private (string Path, string Password) Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("*.localhost");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        names.AddIpAddress(System.Net.IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        var now = timeProvider.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(30));
        var password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        _directory = Directory.CreateTempSubdirectory("aspiremesh-").FullName;
        var path = Path.Combine(_directory, "localhost.pfx");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(path, options);
        stream.Write(certificate.Export(X509ContentType.Pfx, password));
        return (path, password);
    }
}
