using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace AspireMesh.Protocol.Identity.WorkloadApi;

/// <summary>What a Workload API's stream told last, for health and logs.</summary>
/// <param name="Final">Trying again cannot help: the API says that this client does not speak its language.</param>
/// <param name="Reason">Half a sentence.</param>
public sealed record WorkloadApiTrouble(bool Final, string Reason);

/// <summary>
/// Follows a SPIFFE Workload API: one stream over a local socket on which SVIDs and bundles come, each time one changes. When the stream ends, the last good SVID
/// stays in use and the stream is opened anew after a random, growing pause, whatever the reason (SPIFFE Workload API, section 6.2): the agent may be
/// restarting, or the entry that says who this is may not be registered yet. An answer that cannot be used changes nothing and ends the stream.
/// </summary>
/// <param name="address">Where it listens; see <see cref="WorkloadApiAddress"/>.</param>
/// <param name="expected">Who this is to be; an SVID of another id is refused.</param>
/// <param name="time">The clock.</param>
/// <param name="random">Spreads the pauses.</param>
public sealed class WorkloadApiSource(EndPoint address, SpiffeId expected, TimeProvider time, Random random)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // Without it an API answers InvalidArgument: a page in a browser that was talked into a request cannot set it.
    private static readonly Metadata Security = new() { { "workload.spiffe.io", "true" } };

    /// <summary>Runs until cancelled, or until the API says that trying again cannot help.</summary>
    /// <param name="taken">Gets every SVID that can be used.</param>
    /// <param name="troubled">Gets every failure.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(Action<WorkloadSvid> taken, Action<WorkloadApiTrouble> troubled, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(taken);
        ArgumentNullException.ThrowIfNull(troubled);
        var failures = 0;
        using var channel = Open();
        var client = new SpiffeWorkloadAPI.SpiffeWorkloadAPIClient(channel);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using var call = client.FetchX509SVID(new X509SVIDRequest(), Security, cancellationToken: cancellationToken);
                await foreach (var response in call.ResponseStream.ReadAllAsync(cancellationToken))
                {
                    taken(WorkloadSvid.Take(response, expected, time.GetUtcNow()));
                    failures = 0;
                }
                troubled(new WorkloadApiTrouble(false, "it ended the stream"));
            }
            catch (Exception e) when (e is RpcException or NotAnSvidException or IOException or OperationCanceledException)
            {
                if (cancellationToken.IsCancellationRequested) return;
                var trouble = TroubleOf(e);
                troubled(trouble);
                if (trouble.Final) return;
            }
            var ceiling = Math.Min(FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures++, 20)), LongestPause.TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (random.NextDouble() / 2))), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private WorkloadApiTrouble TroubleOf(Exception exception) => exception switch
    {
        RpcException { StatusCode: StatusCode.PermissionDenied } => new(false, $"it has no entry that makes this process '{expected}'"),
        RpcException { StatusCode: StatusCode.InvalidArgument } rpc => new(true, $"it refuses to be asked in this way: {rpc.Status.Detail}"),
        RpcException { Status.DebugException: { } cause } => new(false, cause.GetBaseException().Message),
        RpcException rpc => new(false, $"{rpc.StatusCode}: {rpc.Status.Detail}"),
        _ => new(false, exception.Message),
    };

    private GrpcChannel Open() => GrpcChannel.ForAddress("http://workload-api", new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            // The mesh's own calls are no part of an app's traces.
            ActivityHeadersPropagator = null,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = address is UnixDomainSocketEndPoint
                    ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                    : new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(address, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        },
    });
}
