using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Identity.WorkloadApi;
using AspireMesh.TestKit;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Host.Tests.Spire;

/// <summary>
/// A Workload API on a Unix socket, as a SPIRE agent has one: streams what it was told to give, again at every change, and refuses who does not send the header.
/// It cannot tell the processes of a test apart, so everybody is given all SVIDs, as an agent does for a process that is several workloads.
/// </summary>
internal sealed class StandInWorkloadApi : SpiffeWorkloadAPI.SpiffeWorkloadAPIBase, IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aspiremesh-spire-").FullName;
    private readonly Lock _gate = new();
    private WebApplication? _app;
    private X509SVIDResponse? _answer;
    private TaskCompletionSource _changed = NewSignal();

    public string Address => $"unix://{Path.Combine(_folder, "agent.sock")}";

    /// <summary>How many streams were opened.</summary>
    public int Asked { get; private set; }

    public static async Task<StandInWorkloadApi> StartAsync()
    {
        var api = new StandInWorkloadApi();
        await api.StartAgainAsync();
        return api;
    }

    public async Task StartAgainAsync()
    {
        var socket = Path.Combine(_folder, "agent.sock");
        File.Delete(socket);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, port => port.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.UseRouting();
        _app.MapGrpcService<StandInWorkloadApi>();
        await _app.StartAsync();
    }

    /// <summary>Goes away without a word, as an agent that is killed does.</summary>
    public async Task StopAsync()
    {
        if (_app is null) return;
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>Gives these from now on; none is what an agent says to a process without an entry.</summary>
    public void Give(params IEnumerable<X509SVID> svids)
    {
        var answer = new X509SVIDResponse { Svids = { svids } };
        TaskCompletionSource before;
        lock (_gate) (_answer, before, _changed) = (answer.Svids.Count == 0 ? null : answer, _changed, NewSignal());
        before.SetResult();
    }

    /// <summary>An entry's SVID in the form in which it travels.</summary>
    public static X509SVID Svid(string id, X509Certificate2 leaf, params IEnumerable<X509Certificate2> bundle)
    {
        using var key = leaf.GetECDsaPrivateKey()!;
        return new X509SVID
        {
            SpiffeId = id,
            X509Svid = ByteString.CopyFrom(leaf.RawData),
            X509SvidKey = ByteString.CopyFrom(key.ExportPkcs8PrivateKey()),
            Bundle = ByteString.CopyFrom([.. bundle.SelectMany(c => c.RawData)]),
        };
    }

    /// <summary>SVIDs of these workloads.</summary>
    public static IEnumerable<X509SVID> Svids(TestCertificates ca, IEnumerable<string> workloads, DateTimeOffset until, params IEnumerable<X509Certificate2> bundle) =>
        workloads.Select(w => Svid(ca.IdOf(w), ca.Issue(new SvidShape { Uris = [ca.IdOf(w)], NotAfter = until }), bundle.DefaultIfEmpty(ca.Root)));

    public override async Task FetchX509SVID(X509SVIDRequest request, IServerStreamWriter<X509SVIDResponse> responseStream, ServerCallContext context)
    {
        if (context.RequestHeaders.GetValue("workload.spiffe.io") != "true") throw new RpcException(new Status(StatusCode.InvalidArgument, "security header missing from request"));
        lock (_gate) Asked++;
        while (true)
        {
            X509SVIDResponse? answer;
            Task changed;
            lock (_gate) (answer, changed) = (_answer, _changed.Task);
            if (answer is null) throw new RpcException(new Status(StatusCode.PermissionDenied, "no identity issued"));
            await responseStream.WriteAsync(answer);
            await changed.WaitAsync(context.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
