using System.Collections.Immutable;
using AspireMesh.Hosting.Annotations;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Planning;

/// <summary>Gateways: for every workload marked external, and those the AppHost asks for.</summary>
internal sealed class GatewayPlanner(PlanRequest request, List<MeshProblem> errors, List<MeshProblem> warnings)
{
    private (string Pem, bool Developer)? _certificate;

    /// <summary>The gateways of the workloads, in their order.</summary>
    public ImmutableArray<(GatewayPlan Plan, GatewayModel Model)> Plan(ImmutableArray<IResource> workloads)
    {
        var gateways = ImmutableArray.CreateBuilder<(GatewayPlan, GatewayModel)>();
        var asked = request.Mesh.Annotations.OfType<MeshGatewayAnnotation>().ToList();
        foreach (var gateway in asked.Where(g => !workloads.Contains(request.InModel(g.Workload))))
        {
            errors.Add(MeshDiagnostics.UnknownWorkload.Found($"mesh.Gateway leads to '{gateway.Workload.Name}', which is not in the mesh. Write .WithMesh() on '{gateway.Workload.Name}', or remove the gateway."));
        }
        foreach (var workload in workloads)
        {
            HashSet<EndpointAnnotation> done = [];
            foreach (var gateway in asked.Where(g => request.InModel(g.Workload) == workload))
            {
                if (Endpoint(gateway) is not { } endpoint) continue;
                done.Add(endpoint);
                gateways.Add(Make(workload, endpoint, gateway.Name, ClusterPort(gateways, workload) ?? gateway.Port, gateway.Tls, gateway.Change));
            }
            foreach (var endpoint in External(workload).Where(e => !done.Contains(e))) gateways.Add(Make(workload, endpoint, null, ClusterPort(gateways, workload), null, g => g));
        }
        return gateways.ToImmutable();
    }

    private static IEnumerable<EndpointAnnotation> Http(IResource workload) =>
        workload.Annotations.OfType<EndpointAnnotation>().Where(e => EndpointKinds.ProtocolOf(e) == AppProtocol.Http && !EndpointKinds.IsUdp(e));

    private static IEnumerable<EndpointAnnotation> External(IResource workload)
    {
        var external = Http(workload).Where(e => e.IsExternal).ToArray();

        // One door is enough for an app that offers the same over http and https.
        return external.Where(e => e.UriScheme != "https" || !external.Any(other => other.UriScheme == "http"));
    }

    private EndpointAnnotation? Endpoint(MeshGatewayAnnotation gateway)
    {
        var http = Http(gateway.Workload).ToArray();
        var endpoint = gateway.Endpoint is { } name
            ? http.FirstOrDefault(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase))
            : http.FirstOrDefault(e => e.Name == "http") ?? http.FirstOrDefault();
        if (endpoint is null)
        {
            errors.Add(MeshDiagnostics.UnknownEndpoint.Found($"mesh.Gateway leads to {(gateway.Endpoint is null ? "an HTTP endpoint" : $"the HTTP endpoint '{gateway.Endpoint}'")} of '{gateway.Workload.Name}', which has none such. It has: {string.Join(", ", gateway.Workload.Annotations.OfType<EndpointAnnotation>().Select(e => e.Name).DefaultIfEmpty("none"))}."));
        }
        return endpoint;
    }

    private (GatewayPlan, GatewayModel) Make(IResource workload, EndpointAnnotation endpoint, string? name, int? port, bool? wantsTls, Func<GatewayModel, GatewayModel> change)
    {
        var tls = wantsTls ?? endpoint.UriScheme == "https";
        var publicPort = endpoint is { IsProxied: true, UriScheme: "http" or "https", Port: > 0 } && tls == (endpoint.UriScheme == "https") && !request.RandomizePorts ? endpoint.Port : null;
        var takes = port is null ? publicPort is not null : port == publicPort;
        var listen = port ?? publicPort ?? request.NextPort?.Invoke() ?? 8080;
        if (request.NextPort is { } next && (port ?? publicPort) is { } wanted && !request.IsPortFree(wanted))
        {
            listen = next();
            warnings.Add(MeshDiagnostics.PortInUse.Found($"The gateway of '{workload.Name}' needs port {wanted}, which is in use: it listens on {listen} instead. End what uses {wanted}, or write .WithHttpEndpoint(port: …) on '{workload.Name}'."));
        }
        var model = change(new GatewayModel
        {
            Name = name ?? (External(workload).Count() > 1 ? $"{workload.Name}-{endpoint.Name}" : workload.Name),
            Workload = workload.Name,
            Endpoint = endpoint.Name,
            Listen = $"{(request.ForCluster ? ClusterPorts.AnyAddress : MeshListener.Loopback)}:{listen}",
        });
        var ends = model.CertificatePem is not null || (tls && model.TlsRoutes.IsEmpty);
        // In a cluster there is no certificate of this machine's, but that TLS is wanted must not be lost.
        if (ends && !request.ForCluster && model.CertificatePem is null) model = model with { CertificatePem = Certificate(workload) };
        return (new GatewayPlan(workload, endpoint, $"{(model.CertificatePem is null && model.TlsRoutes.IsEmpty ? "http" : "https")}://localhost:{listen}", takes, model.Name, ends), model);
    }

    private int? ClusterPort(IEnumerable<(GatewayPlan Plan, GatewayModel Model)> before, IResource workload) =>
        request.ForCluster ? ClusterPorts.Gateway(before.Count(g => g.Plan.Resource == workload)) : null;

    private string? Certificate(IResource workload)
    {
        if (request.GatewayCertificate is not { } find) return null;
        if (_certificate is null)
        {
            _certificate = find();
            if (!_certificate.Value.Developer)
            {
                warnings.Add(MeshDiagnostics.NoDeveloperCertificate.Found($"The gateway of '{workload.Name}' takes TLS and this machine has no developer certificate: it shows one that nobody trusts. Type: dotnet dev-certs https --trust"));
            }
        }
        return _certificate.Value.Pem;
    }
}
