using System.Globalization;
using Aspire.Hosting.Lifecycle;
using AspireMesh.Hosting;
using AspireMesh.Hosting.Annotations;
using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting;

/// <summary>Puts a service mesh under an AppHost.</summary>
public static class MeshBuilderExtensions
{
    /// <summary>
    /// Gives every resource that has an endpoint or makes a call a sidecar, and leads every reference between them through two sidecars over mutual TLS.
    /// Called again with the same name it returns the same mesh.
    /// </summary>
    /// <param name="builder">The AppHost.</param>
    /// <param name="name">The mesh's name in the dashboard. Default <c>mesh</c>.</param>
    /// <param name="configure">Changes how the mesh runs.</param>
    /// <exception cref="MeshValidationException">The AppHost has a mesh with another name.</exception>
    public static IResourceBuilder<MeshResource> AddServiceMesh(this IDistributedApplicationBuilder builder, string name = "mesh", Action<MeshOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var existing = builder.Resources.OfType<MeshResource>().FirstOrDefault();
        if (existing is not null && !string.Equals(existing.Name, name, StringComparison.OrdinalIgnoreCase))
        {
            throw new MeshValidationException([MeshDiagnostics.SecondMesh.Found($"The AppHost has the mesh '{existing.Name}' and adds another, '{name}'. Write AddServiceMesh(\"{existing.Name}\"), or remove one of them.")]);
        }

        var mesh = existing is null ? AddNew(builder, name) : builder.CreateResourceBuilder(existing);
        configure?.Invoke(mesh.Resource.Options);
        return mesh;
    }

    /// <summary>Sets the trust domain: the first part of every identity.</summary>
    public static IResourceBuilder<MeshResource> WithTrustDomain(this IResourceBuilder<MeshResource> mesh, string trustDomain) => mesh.Set(o => o.TrustDomain = trustDomain);

    /// <summary>Sets whether inbound listeners take plaintext.</summary>
    public static IResourceBuilder<MeshResource> WithMtls(this IResourceBuilder<MeshResource> mesh, MtlsMode mode) => mesh.Set(o => o.Mtls = mode);

    /// <summary>Lets peers that are no sidecars of ours come with TLS 1.2, which shows their certificates to whoever listens on the wire; sidecars go on with 1.3 among each other.</summary>
    public static IResourceBuilder<MeshResource> WithTls12(this IResourceBuilder<MeshResource> mesh, bool allowed = true) => mesh.Set(o => o.AllowTls12 = allowed);

    /// <summary>Sets how sidecars run.</summary>
    public static IResourceBuilder<MeshResource> WithSidecarHosting(this IResourceBuilder<MeshResource> mesh, SidecarHosting hosting) => mesh.Set(o => o.SidecarHosting = hosting);

    /// <summary>Sets where the control plane runs.</summary>
    public static IResourceBuilder<MeshResource> WithControlPlane(this IResourceBuilder<MeshResource> mesh, ControlPlaneHosting hosting) => mesh.Set(o => o.ControlPlane = hosting);

    /// <summary>Issues identities from a CA of yours instead of the mesh's own. Its root is yours to replace: <c>aspiremesh certs rotate</c> refuses.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="certificateFile">PEM: the certificate that signs SVIDs, followed by those above it up to the root. Relative to the AppHost's folder.</param>
    /// <param name="keyFile">PEM: the unencrypted key of the first certificate.</param>
    public static IResourceBuilder<MeshResource> WithCertificateAuthority(this IResourceBuilder<MeshResource> mesh, string certificateFile, string keyFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(certificateFile);
        ArgumentException.ThrowIfNullOrEmpty(keyFile);
        return mesh.Set(o => (o.CaCertificateFile, o.CaKeyFile) = (certificateFile, keyFile));
    }

    /// <summary>
    /// Takes identities and roots from SPIRE instead of a CA of the mesh's own. In the published chart, pods reach the agent through SPIFFE's CSI driver; the entries have to be
    /// <c>spiffe://{trust domain}/ns/{namespace}/sa/{workload}</c>, which is SPIRE's own default for pods. Locally an agent is used where one is named, and else the mesh's own CA.
    /// </summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="workloadApi">The agent's socket on this machine, <c>unix:///path</c>; null for what <c>SPIFFE_ENDPOINT_SOCKET</c> says, if it says anything.</param>
    public static IResourceBuilder<MeshResource> WithSpire(this IResourceBuilder<MeshResource> mesh, string? workloadApi = null) => mesh.Set(o => (o.Spire, o.WorkloadApi) = (true, workloadApi));

    /// <summary>In the published chart, the control plane takes its intermediate CA from a cert-manager issuer, renews it and follows it to other roots. Locally the mesh's own CA is used.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="issuer">The issuer's name.</param>
    /// <param name="kind"><c>Issuer</c>, <c>ClusterIssuer</c>, or an external issuer's kind.</param>
    /// <param name="group">Its API group.</param>
    public static IResourceBuilder<MeshResource> WithCertManager(this IResourceBuilder<MeshResource> mesh, string issuer, string kind = "Issuer", string group = "cert-manager.io")
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        return mesh.Set(o => o.CertManager = new MeshIssuer(issuer, kind, group));
    }

    /// <summary>Allows faults to be injected.</summary>
    public static IResourceBuilder<MeshResource> WithChaos(this IResourceBuilder<MeshResource> mesh, bool enabled = true) => mesh.Set(o => o.Chaos = enabled);

    /// <summary>Allows faults to be injected in a cluster that the mesh is published to; <see cref="WithChaos"/> alone does not.</summary>
    public static IResourceBuilder<MeshResource> WithPublishedChaos(this IResourceBuilder<MeshResource> mesh, bool enabled = true) => mesh.Set(o => o.PublishedChaos = enabled);

    /// <summary>Takes policies from a file too; its entries win over what the AppHost says.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="path">The file, relative to the AppHost's folder.</param>
    public static IResourceBuilder<MeshResource> WithPolicyFile(this IResourceBuilder<MeshResource> mesh, string path) => mesh.Set(o => o.PolicyFile = path);

    /// <summary>
    /// Gives every sidecar a forward proxy and tells the apps of it in <c>HTTP_PROXY</c>, <c>HTTPS_PROXY</c> and <c>NO_PROXY</c> (and in lower case), unless one of them is
    /// set already. External services that the app refers to pass with the policies of their edges; anything else is refused with 403, or only logged and counted.
    /// An app that ignores the variables is not held: on a laptop nothing can, in a cluster the published network policies do.
    /// </summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="mode">What becomes of what is not declared.</param>
    public static IResourceBuilder<MeshResource> WithUndeclaredEgress(this IResourceBuilder<MeshResource> mesh, EgressMode mode) => mesh.Set(o => o.UndeclaredEgress = mode);

    /// <summary>Refuses calls out of the mesh to what is no external service of the AppHost; see <see cref="WithUndeclaredEgress"/>.</summary>
    public static IResourceBuilder<MeshResource> WithoutUndeclaredEgress(this IResourceBuilder<MeshResource> mesh) => mesh.WithUndeclaredEgress(EgressMode.Refuse);

    /// <summary>Changes the policies of every edge of the mesh. What is said on an edge itself later wins.</summary>
    public static IResourceBuilder<MeshResource> WithEdgeDefaults(this IResourceBuilder<MeshResource> mesh, Func<EdgePolicies, EdgePolicies> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return mesh.WithAnnotation(new MeshEdgeAnnotation(null, null, null, change));
    }

    /// <summary>The edge from one resource to another, to say policies on. The reference itself is made by <c>WithReference</c>.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="from">The caller.</param>
    /// <param name="to">The callee, or an external service.</param>
    /// <param name="endpoint">The callee's endpoint; null for all that the caller refers to.</param>
    public static MeshEdgeBuilder Edge(this IResourceBuilder<MeshResource> mesh, IResourceBuilder<IResource> from, IResourceBuilder<IResource> to, string? endpoint = null)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        return new MeshEdgeBuilder(mesh, from.Resource, to.Resource, endpoint);
    }

    /// <summary>Opens a listener for traffic from outside the mesh on a workload's sidecar. Resources marked external have one without this.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="workload">The workload whose sidecar carries it.</param>
    /// <param name="endpoint">The endpoint that requests go to; null for the only HTTP one, or the one named http.</param>
    /// <param name="port">The port; null for the endpoint's own public port where it has one, else a free one.</param>
    /// <param name="configure">Adds routes, token validation, limits or a certificate.</param>
    /// <param name="name">The gateway's name; null for the workload's.</param>
    /// <param name="tls">Whether it takes TLS, with the certificate that <paramref name="configure"/> sets, else the developer certificate of <c>dotnet dev-certs https</c>, else one made for this run. Default: where the endpoint is an https one.</param>
    public static IResourceBuilder<MeshResource> Gateway(this IResourceBuilder<MeshResource> mesh, IResourceBuilder<IResourceWithEndpoints> workload, string? endpoint = null, int? port = null, Func<GatewayModel, GatewayModel>? configure = null, string? name = null, bool? tls = null)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(workload);
        return mesh.WithAnnotation(new MeshGatewayAnnotation(name, workload.Resource, endpoint, port, tls, configure ?? (g => g)));
    }

    private static IResourceBuilder<MeshResource> AddNew(IDistributedApplicationBuilder builder, string name)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton<MeshAccess>();
        builder.Services.TryAddSingleton<MeshRuntime>();
        builder.Services.TryAddEventingSubscriber<MeshEventingSubscriber>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, MeshShutdown>());
        builder.Services.AddHealthChecks();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<HealthCheckServiceOptions>, SidecarHealthRegistrations>());
        var mesh = builder.AddResource(new MeshResource(name));
        mesh.Resource.Annotations.Add(ManifestPublishingCallbackAnnotation.Ignore);
        mesh.Resource.Annotations.Add(new ResourceIconAnnotation("ShareMultiple"));
        mesh.Resource.Annotations.Add(new ResourceSnapshotAnnotation(new CustomResourceSnapshot
        {
            ResourceType = "ServiceMesh",
            Properties = [],
            State = new ResourceStateSnapshot(KnownResourceStates.NotStarted, KnownResourceStateStyles.Info),
        }));
        ReadConfiguration(builder, mesh.Resource.Options);
        return mesh;
    }

    private static void ReadConfiguration(IDistributedApplicationBuilder builder, MeshOptions options)
    {
        var section = builder.Configuration.GetSection("Mesh");
        List<MeshProblem> problems = [];
        options.SidecarHosting = Read<SidecarHosting>("SidecarHosting");
        options.ControlPlane = Read<ControlPlaneHosting>("ControlPlane");
        options.UndeclaredEgress = Read<EgressMode>("UndeclaredEgress") ?? EgressMode.Unwatched;
        options.Chaos = section["Chaos"] is { Length: > 0 } chaos ? ReadFlag(chaos) : null;
        if (problems.Count > 0) throw new MeshValidationException([.. problems]);

        T? Read<T>(string key) where T : struct, Enum
        {
            if (section[key] is not { Length: > 0 } text) return null;
            if (Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value)) return value;
            problems.Add(MeshDiagnostics.BadMeshSetting.Found($"The setting Mesh:{key} is '{text}'. Write one of {string.Join(", ", Enum.GetNames<T>())}, for example --Mesh:{key}={Enum.GetNames<T>()[0]}."));
            return null;
        }

        bool? ReadFlag(string text)
        {
            if (bool.TryParse(text, out var flag)) return flag;
            problems.Add(MeshDiagnostics.BadMeshSetting.Found(string.Create(CultureInfo.InvariantCulture, $"The setting Mesh:Chaos is '{text}'. Write --Mesh:Chaos=true or --Mesh:Chaos=false.")));
            return null;
        }
    }

    private static IResourceBuilder<MeshResource> Set(this IResourceBuilder<MeshResource> mesh, Action<MeshOptions> set)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        set(mesh.Resource.Options);
        return mesh;
    }
}
