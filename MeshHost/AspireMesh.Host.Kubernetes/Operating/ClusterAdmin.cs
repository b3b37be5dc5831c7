using AspireMesh.Host.Kubernetes.Election;
using AspireMesh.Host.Kubernetes.Keeping;
using AspireMesh.Host.Kubernetes.Watching;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using k8s;

namespace AspireMesh.Host.Kubernetes.Operating;

/// <summary>The admin API of a cluster's control plane, reached as <c>kubectl port-forward</c> would: the leader's pod from the Lease, the token from its Secret.</summary>
public static class ClusterAdmin
{
    // Only a name for messages and the Host header: connections are made by the port-forward.
    private const string Nowhere = "http://aspiremesh-control-plane";

    /// <summary>A client; nothing is asked before its first call. Disposing it disposes <paramref name="cluster"/>.</summary>
    /// <param name="cluster">The API server, with the rights of whoever types.</param>
    /// <param name="ns">The mesh's namespace.</param>
    public static MeshAdminClient Connect(IKubernetes cluster, string ns)
    {
        var run = new RunFile { AppHost = $"namespace {ns}", Pid = 0, Admin = Nowhere, Token = "set by the handler" };
        return new MeshAdminClient(run, new Handler(cluster, ns));
    }

    private sealed class Handler : DelegatingHandler
    {
        private readonly IKubernetes _cluster;
        private readonly string _namespace;
        private (string Pod, string Token)? _leader;

        public Handler(IKubernetes cluster, string ns)
        {
            (_cluster, _namespace) = (cluster, ns);
            InnerHandler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, cancellationToken) => ForwardAsync(cancellationToken) };
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                _leader ??= await FindAsync(cancellationToken);
            }
            catch (Exception e) when (ApiFailure.Is(e))
            {
                throw Bad($"cannot be asked about its control plane: {ApiFailure.Explain(e, "get", "leases, secrets").Replace(ClusterNames.ControlPlane, "you", StringComparison.Ordinal)}");
            }
            request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", _leader.Value.Token);
            return await base.SendAsync(request, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing) _cluster.Dispose();
        }

        private async Task<(string Pod, string Token)> FindAsync(CancellationToken cancellationToken)
        {
            var token = await AdminToken.ReadAsync(_cluster, _namespace, cancellationToken)
                ?? throw Bad($"has no Secret '{ClusterNames.AdminSecret}': no control plane of a mesh has led there yet. Install the chart, or give another --namespace");
            try
            {
                var lease = await _cluster.CoordinationV1.ReadNamespacedLeaseAsync(ClusterNames.ControlPlane, _namespace, cancellationToken: cancellationToken);
                if (!string.IsNullOrEmpty(lease.Spec?.HolderIdentity)) return (ReplicaAddress.Pod(lease.Spec.HolderIdentity), token);
            }
            catch (Exception e) when (ApiFailure.IsMissing(e))
            {
                throw Bad($"has no Lease '{ClusterNames.ControlPlane}'. Install the chart, or give another --namespace");
            }
            throw Bad($"has no leader among its control plane's replicas at the moment. Type: kubectl -n {_namespace} get pods -l app.kubernetes.io/name={ClusterNames.ControlPlane}");
        }

        private async ValueTask<Stream> ForwardAsync(CancellationToken cancellationToken)
        {
            var socket = await _cluster.WebSocketNamespacedPodPortForwardAsync(_leader!.Value.Pod, _namespace, [ClusterNames.AdminPort], PortForwardStream.Protocol, cancellationToken: cancellationToken);
            return new PortForwardStream(socket);
        }

        private MeshValidationException Bad(string found) => new([MeshDiagnostics.NoMesh.Found($"The namespace '{_namespace}' {found}.")]);
    }
}
