using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Aspire.Hosting.Pipelines;
using AspireMesh.Hosting.Kubernetes.Rendering;
using AspireMesh.Hosting.Lifecycle;
using AspireMesh.Hosting.Planning;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Manifests.Yaml;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>
/// Puts the mesh into a chart that the host has written: sidecars into the pods, Services that lead to them, identities, network policies, the control plane, or another
/// mesh's resources; then the report. It works on the chart's files, since Aspire's own types cannot say everything (a projected token has no type there), and so
/// it does the same under either host.
/// </summary>
internal sealed class MeshPublisher
{
    private const string MeshFolder = "aspiremesh";
    // A pause before a container stops is part of Kubernetes from here on; Aspire's own charts ask for less.
    private const string SidecarKubernetes = ">= 1.30.0-0";
    private readonly PipelineStepContext _context;
    private readonly MeshPlan _plan;
    private readonly MeshBackendAnnotation _target;
    private readonly MeshModel _model;
    private readonly ImmutableArray<string> _stripped;
    private readonly MeshOptions _options;

    public MeshPublisher(MeshResource mesh, PipelineStepContext context)
    {
        (_context, _options) = (context, mesh.Options);
        _plan = mesh.Annotations.OfType<MeshPlanAnnotation>().Last().Plan;
        _target = mesh.Annotations.OfType<MeshBackendAnnotation>().Last();
        // A private key has no place in a chart, and there is none where the AppHost did not give it.
        _stripped = [.. _plan.Gateways.Where(g => g.EndsTls).Select(g => g.Name)];
        _model = _plan.Model with { Gateways = [.. _plan.Model.Gateways.Select(g => g with { CertificatePem = null })] };
    }

    public async Task PublishAsync()
    {
        try
        {
            await PublishAllAsync();
        }
        catch
        {
            HostDifferences.TellOfFailedPublish();
            throw;
        }
    }

    private async Task PublishAllAsync()
    {
        var environments = PublishedEnvironments.In(_context.Model).ToArray();
        if (environments.Length == 0)
        {
            throw new MeshValidationException([MeshDiagnostics.CannotPublish.Found("The mesh is published into a chart, and the AppHost has no Kubernetes environment. Write builder.AddKubernetesEnvironment(\"k8s\").")]);
        }
        foreach (var environment in environments) await PublishAsync(PublishedEnvironments.Folder(_context, environment), environment);
    }

    private async Task PublishAsync(string folder, IComputeEnvironmentResource environment)
    {
        var rendering = Render();
        var chart = new ChartFiles(folder);
        foreach (var workload in _plan.Workloads) Weave(chart, workload.Resource.Name, [.. rendering.Marks.Where(m => m.Workload == workload.Resource.Name)]);
        foreach (var manifest in rendering.Objects) chart.Write($"templates/{MeshFolder}/{manifest.FileName}", (JsonObject)MeshValues.EscapedTree(manifest.Body)!);
        if (_target.ThroughSidecars)
        {
            chart.Need(SidecarKubernetes);
            foreach (var manifest in ControlPlaneObjects.Of(_model, _options).Append(Policies(chart).OfControlPlane())) chart.Write($"templates/{MeshFolder}/{manifest.Kind.ToLowerInvariant()}-{ShortName(manifest)}.yaml", manifest.Body);
        }
        chart.AppendValues(MeshValues.Defaults(_model));
        var lacking = chart.AddLackingValues();
        chart.WriteText("mesh-report.json", MeshReport.ToJson([rendering]));
        chart.WriteText("mesh-report.md", MeshReport.ToMarkdown([rendering]));
        chart.WriteText("rehearse.json", await RehearsalFile.OfAsync(_plan, _context, folder, _context.CancellationToken));
        PlainManifests.Write(chart);
        foreach (var value in lacking) _context.Logger.LogPublishNotice(MeshDiagnostics.PublishNotice.Found($"The chart reads {value}, and nothing fills it. Install it with --set {value}=….").ToString());
        Report(rendering, environment);
    }

    /// <summary>The workload's own templates, changed, and the objects it has because of the mesh.</summary>
    private void Weave(ChartFiles chart, string name, ImmutableArray<WorkloadMark> marks)
    {
        var workload = _model.Workloads.First(w => w.Name == name);
        foreach (var file in chart.Templates(name))
        {
            foreach (var body in file.Documents) Weave(body, workload, marks);
            chart.Write(file.Path, [.. file.Documents]);
        }
        foreach (var manifest in OwnObjects(chart, workload)) chart.Write($"templates/{name}/mesh-{manifest.Kind.ToLowerInvariant()}{(manifest.Name.EndsWith("-gateway", StringComparison.Ordinal) ? $"-{manifest.Name}" : "")}.yaml", manifest.Body);
    }

    private void Weave(JsonObject body, WorkloadModel workload, ImmutableArray<WorkloadMark> marks)
    {
        switch (body["kind"]?.GetValue<string>())
        {
            case "Deployment" or "StatefulSet" when body["spec"]!["template"] is JsonObject template:
                if (_target.ThroughSidecars) SidecarPod.Add(template, MeshValues.Sidecar(workload, _model.DrainTime) with { Spire = _options.Spire });
                else template["spec"]!["serviceAccountName"] ??= workload.Name;
                WorkloadObjects.Mark(template, marks, MarkPlace.PodLabel, MarkPlace.PodAnnotation);
                WorkloadObjects.CapitalizeProbes(template);
                break;
            case "Service" when body["spec"] is JsonObject:
                if (_target.ThroughSidecars) WorkloadObjects.LeadToSidecar(body, workload.Name);
                else WorkloadObjects.NameProtocols(body, workload, Http2(workload.Name), TlsRouted(workload.Name), _target.Backend);
                WorkloadObjects.Mark(body, marks, MarkPlace.ServiceLabel, MarkPlace.ServiceAnnotation);
                break;
        }
    }

    private IEnumerable<Manifest> OwnObjects(ChartFiles chart, WorkloadModel workload)
    {
        yield return WorkloadObjects.ServiceAccount(workload.Name);
        if (!_target.ThroughSidecars) yield break;
        yield return WorkloadObjects.Bootstrap(workload.Name, _options.Spire);
        yield return Policies(chart).Of(workload);
        foreach (var gateway in _model.Gateways.Where(g => g.Workload == workload.Name)) yield return WorkloadObjects.Gateway(gateway);
    }

    private NetworkPolicies Policies(ChartFiles chart) => new(_model, [.. chart.Resources.Where(r => r != MeshFolder && _model.Workloads.All(w => w.Name != r))]);

    private MeshRendering Render()
    {
        var placement = new MeshPlacement
        {
            Namespace = MeshValues.Namespace,
            Workloads = _plan.Workloads.ToImmutableSortedDictionary(w => w.Resource.Name, w => new WorkloadPlacement
            {
                Service = $"{w.Resource.Name}-service",
                ServiceAccount = w.Resource.Name,
                PodLabels = ImmutableSortedDictionary<string, string>.Empty.Add("app.kubernetes.io/component", w.Resource.Name).Add("app.kubernetes.io/instance", MeshValues.ReleaseName),
                Ports = ClusterPorts.Of(w.Resource).ToImmutableSortedDictionary(StringComparer.Ordinal),
                Http2 = Http2(w.Resource.Name),
            }),
        };
        if (_target.Backend != MeshBackend.AspireMesh)
        {
            // A renderer has to know which gateways end TLS; what they end it with is not its to see.
            var gateways = _model.Gateways.Select(g => _stripped.Contains(g.Name) ? g with { CertificatePem = "" } : g);
            return MeshRenderers.Render(_target.Backend, _model with { TrustDomain = MeshValues.TrustDomain, Gateways = [.. gateways] }, placement, _target.ThroughSidecars);
        }
        var session = new RenderSession(_model, placement, keepSidecars: true);
        foreach (var item in session.Items)
        {
            if (item.Gateway is { } gateway && _stripped.Contains(gateway.Name)) session.Approximated(item, "its certificate's key is not written to a chart: it takes plain HTTP, so end TLS at an ingress in front of it");
            else session.Rendered(item, "our sidecar");
        }
        return session.Finish(MeshBackend.AspireMesh);
    }

    /// <summary>The endpoints that take HTTP/2 without TLS: those said to (<c>AsHttp2Service</c>), and those that gRPC's name is on.</summary>
    private ImmutableSortedSet<string> Http2(string workload) =>
        [.. _plan.Workloads.First(w => w.Resource.Name == workload).Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.Transport == "http2" || e.Name.StartsWith("grpc", StringComparison.OrdinalIgnoreCase)).Select(e => e.Name)];

    /// <summary>The endpoints that some edge leads by the server name of a TLS hello: what comes to them is TLS.</summary>
    private ImmutableSortedSet<string> TlsRouted(string workload) => [.. _model.Edges.Where(e => e.To == workload && e.Policies.TlsRoutes.Length > 0).Select(e => e.Endpoint)];

    private static string ShortName(Manifest manifest)
    {
        var name = manifest.Name.Replace($"-{MeshValues.Namespace}", "", StringComparison.Ordinal);
        return name.StartsWith("aspiremesh-", StringComparison.Ordinal) ? name["aspiremesh-".Length..] : name;
    }

    private void Report(MeshRendering rendering, IComputeEnvironmentResource environment)
    {
        foreach (var group in rendering.Verdicts.GroupBy(v => v.Kind).OrderBy(g => g.Key)) _context.Summary.Add($"mesh in {environment.Name}, {group.Key.ToString().ToLowerInvariant()}", $"{group.Count()}");
        foreach (var notice in rendering.Notices) _context.Logger.LogPublishNotice(MeshDiagnostics.PublishNotice.Found(notice).ToString());
        foreach (var line in VerdictTable.Of(rendering)) _context.Logger.LogVerdict(line);
        var losses = rendering.Verdicts.Where(v => v.Kind is VerdictKind.Refused).ToArray();
        if (losses.Length == 0 || !Strictness.IsAsked(_context.Services.GetRequiredService<IConfiguration>())) return;
        throw new MeshValidationException([.. losses.Select(l => MeshDiagnostics.PolicyLost.Found($"{l.Item.Kind} of {l.Item.Subject} is lost in {rendering.Backend}: {l.Reason}. Write .PublishMeshTo(MeshBackend.{rendering.Backend}, keepSidecars: true), or publish without --strict."))]);
    }
}
