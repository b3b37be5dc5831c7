using System.Net.Sockets;
using AspireMesh.Rehearsal.Reading;
using k8s.Models;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>Asks a container whether it is well, as the kubelet does: HTTP, TCP or gRPC (as TCP) at the pod's address.</summary>
internal static class Probe
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>One try. A probe of a kind that is not rehearsed counts as passed.</summary>
    public static async Task<bool> PassesAsync(PodPlan pod, V1Probe probe, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(Math.Max(1, probe.TimeoutSeconds ?? 1)), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (probe.HttpGet is { } get && pod.Port(get.Port.Value) is { } port)
            {
                using var answer = await Http.GetAsync(new Uri($"http://{pod.Ip}:{port}{get.Path}"), HttpCompletionOption.ResponseHeadersRead, either.Token);
                return (int)answer.StatusCode is >= 200 and < 400;
            }
            if ((probe.TcpSocket is { } tcp ? pod.Port(tcp.Port.Value) : probe.Grpc?.Port) is { } tcpPort)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(pod.Ip, tcpPort, either.Token);
            }
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
