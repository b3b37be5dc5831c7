using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Identity.WorkloadApi;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Identity;

/// <summary>
/// The trust of a mesh whose identities come from a SPIFFE Workload API (a SPIRE agent): the control plane has its own SVID and the roots it checks sidecars by
/// from there, as every sidecar has, and issues nothing itself.
/// </summary>
internal sealed partial class WorkloadApiTrust(string text, EndPoint address, SpiffeId own, TimeProvider time, Random random, ILogger logger) : IAsyncDisposable
{
    private readonly WorkloadApiSource _source = new(address, own, time, random);
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Given? _given;
    private string? _lastTrouble;
    private Task _running = Task.CompletedTask;

    /// <summary>The trusted roots; none before the first SVID.</summary>
    public ImmutableArray<X509Certificate2> Roots => _given?.Roots ?? [];

    /// <summary>What the control port presents.</summary>
    public SslStreamCertificateContext Current => _given?.Context ?? throw new InvalidOperationException("the control port was opened before there was an SVID");

    /// <summary>Makes one for an address as <c>SPIFFE_ENDPOINT_SOCKET</c> has it.</summary>
    /// <exception cref="MeshValidationException">It is no such address.</exception>
    public static WorkloadApiTrust Create(string text, SpiffeId own, TimeProvider time, Random random, ILogger logger) => WorkloadApiAddress.TryParse(text, out var address, out var error)
        ? new WorkloadApiTrust(text, address, own, time, random, logger)
        : throw new MeshValidationException([MeshDiagnostics.WorkloadApiAway.Found($"The control plane's Workload API cannot be used: {error}.")]);

    /// <summary>Returns with the first SVID; nobody could tell the control plane from another before.</summary>
    /// <exception cref="MeshValidationException">Asking again cannot help.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _running = _source.RunAsync(Take, Tell, _ending.Token);
        await _first.Task.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _running;
        _ending.Dispose();
    }

    private void Take(WorkloadSvid svid)
    {
        _given = new Given([.. svid.Roots], SslStreamCertificateContext.Create(svid.Leaf, svid.Intermediates, offline: true));
        _lastTrouble = null;
        LogTaken(logger, own.ToString(), svid.Leaf.NotAfter.ToUniversalTime(), svid.Roots.Count);
        _first.TrySetResult();
    }

    private void Tell(WorkloadApiTrouble trouble)
    {
        var problem = MeshDiagnostics.WorkloadApiAway.Found($"The Workload API at {text} gives the control plane no identity: {trouble.Reason}. See the entries with: spire-server entry show -spiffeID {own}");
        if (trouble.Final) _first.TrySetException(new MeshValidationException([problem]));
        if (trouble.Reason == _lastTrouble) return;
        _lastTrouble = trouble.Reason;
        LogAway(logger, problem.ToString());
    }

    private sealed record Given(ImmutableArray<X509Certificate2> Roots, SslStreamCertificateContext Context);

    [LoggerMessage(25, LogLevel.Information, "The control plane is {Id} until {Expires:u}, by the Workload API; it trusts {Roots} root(s).")]
    private static partial void LogTaken(ILogger logger, string id, DateTime expires, int roots);

    [LoggerMessage(26, LogLevel.Warning, "{Problem}")]
    private static partial void LogAway(ILogger logger, string problem);
}
