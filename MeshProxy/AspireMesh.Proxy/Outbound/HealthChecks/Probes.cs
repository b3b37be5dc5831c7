using System.Globalization;
using System.Net;
using System.Text;
using AspireMesh.Protocol.Policies;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Outbound.Forwarding;
using AspireMesh.Proxy.Tunnel;

namespace AspireMesh.Proxy.Outbound.HealthChecks;

/// <summary>One probe of each kind. Null means well; a text says what was found.</summary>
internal sealed class Probes(DestinationClients clients, ITunnelDialer dialer)
{
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(5);

    public Task<string?> RunAsync(ClusterSnapshot cluster, DestinationSnapshot destination, HealthCheckPolicy policy, CancellationToken cancellation) => policy.Kind switch
    {
        HealthCheckKind.Grpc => GrpcAsync(cluster, destination, policy.GrpcService, cancellation),
        HealthCheckKind.Tcp => TcpAsync(cluster, destination, cancellation),
        _ => HttpAsync(cluster, destination, policy.Path, cancellation),
    };

    private async Task<string?> HttpAsync(ClusterSnapshot cluster, DestinationSnapshot destination, string path, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, DestinationClient.Authority + path) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = cluster.Workload;
        using var response = await clients.Get(cluster, destination, s_connect).SendAsync(request, cancellation);
        var status = (int)response.StatusCode;
        return status is >= 200 and < 400 ? null : string.Create(CultureInfo.InvariantCulture, $"answered {status}");
    }

    private async Task<string?> TcpAsync(ClusterSnapshot cluster, DestinationSnapshot destination, CancellationToken cancellation)
    {
        await using var stream = await dialer.OpenAsync(cluster, destination, StreamKind.Tcp, default, cancellation);
        return null;
    }

    /// <summary>grpc.health.v1.Health/Check, both messages of one field: the service asked for, and a status of which 1 is SERVING.</summary>
    private async Task<string?> GrpcAsync(ClusterSnapshot cluster, DestinationSnapshot destination, string service, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, DestinationClient.Authority + "/grpc.health.v1.Health/Check")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Frame(service)),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        request.Headers.TryAddWithoutValidation("TE", "trailers");
        request.Headers.Host = cluster.Workload;
        using var response = await clients.Get(cluster, destination, s_connect).SendAsync(request, cancellation);
        await response.Content.LoadIntoBufferAsync(64 * 1024, cancellation);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation);
        var status = response.TrailingHeaders.TryGetValues("grpc-status", out var values) || response.Headers.TryGetValues("grpc-status", out values) ? values.First() : "none";
        if (status != "0") return $"gRPC status {status}";
        // Five bytes of frame, then field 1 as a varint: 0x08 0x01 is SERVING (a missing field is UNKNOWN).
        return body.Length >= 7 && body[5] == 0x08 && body[6] == 0x01 ? null : "not serving";
    }

    private static byte[] Frame(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        if (name.Length > 127) throw new IOException($"the service name '{service}' is too long for a health check: 127 bytes at most");
        byte[] message = name.Length == 0 ? [] : [0x0A, (byte)name.Length, .. name];
        return [0, 0, 0, 0, (byte)message.Length, .. message];
    }
}
