using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AspireMesh.Host.Distribution;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Registry;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Control;

/// <summary>
/// What sidecars call. Join: a token for a first SVID. Renew and Watch: only with an SVID of this mesh, and only for the workload it names; what a sidecar
/// says about itself in a message never widens that.
/// </summary>
internal sealed partial class ControlService(SvidIssuer issuer, SidecarRegistry registry, TapHub taps, IWorkloadAttestor? attestor, bool svidsNameSidecars, CancellationToken stopping, ILogger logger)
    : MeshControl.MeshControlBase
{
    public override Task<SvidResponse> Join(JoinRequest request, ServerCallContext context) => GrantedAsync(() => attestor is null
        ? Task.FromResult(issuer.Join(request.Workload, request.Instance, request.Token, request.Csr.Span))
        : issuer.JoinAsync(attestor, request.Workload, request.Instance, request.Token, request.Csr.Memory, context.CancellationToken));

    public override Task<SvidResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        var (workload, instance) = Peer(context);
        return GrantedAsync(() => Task.FromResult(issuer.Renew(workload, registry.Named(workload, instance), request.Csr.Span)));
    }

    public override async Task Watch(IAsyncStreamReader<SidecarMessage> requestStream, IServerStreamWriter<ControlMessage> responseStream, ServerCallContext context)
    {
        var (workload, proved) = Peer(context);
        var shown = new ShownSvid(context.GetHttpContext().Connection.ClientCertificate!.NotAfter.ToUniversalTime(), PeerCertificate.RootOf(context.GetHttpContext()));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping);
        var hello = await ReadHelloAsync(requestStream, ending.Token);
        var connection = new SidecarConnection();
        taps.Attach(connection);
        try
        {
            if (!registry.Connect(workload, hello, shown, connection) && !(Readmit(workload, proved, hello) && registry.Connect(workload, hello, shown, connection)))
            {
                throw Refusal(StatusCode.NotFound, $"The mesh has no sidecar '{hello.Instance}' of workload '{workload}'. Apply a model that has it.");
            }
            LogConnected(logger, hello.Instance, hello.SnapshotVersion);
            var reading = ReadAllAsync(requestStream, hello.Instance, connection, ending.Token);
            // Closing either direction ends both: a sidecar that is gone needs no snapshots, one that was replaced sends no acks.
            _ = reading.ContinueWith(_ => connection.Close(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await connection.RunAsync(message => responseStream.WriteAsync(message, ending.Token), ending.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException && ending.IsCancellationRequested)
        {
            LogDisconnected(logger, hello.Instance);
        }
        finally
        {
            taps.Detach(connection);
            registry.Disconnect(hello.Instance, connection);
        }
        if (stopping.IsCancellationRequested) throw new RpcException(new Status(StatusCode.Unavailable, "The control plane stops."));
    }

    // One that we did not issue names the workload alone: which of its pods it is, is its own word.
    private bool Readmit(string workload, string proved, Hello hello) =>
        attestor is not null && hello.Instance.Length > 0
        && (!svidsNameSidecars || CertificateFactory.CommonName(hello.Instance) == proved)
        && attestor.Readmit(workload, hello.Instance);

    private async Task<Hello> ReadHelloAsync(IAsyncStreamReader<SidecarMessage> stream, CancellationToken cancellationToken)
    {
        if (await stream.MoveNext(cancellationToken) && stream.Current.Hello is { } hello) return hello;
        throw Refusal(StatusCode.InvalidArgument, "A watch starts with a hello.");
    }

    private async Task ReadAllAsync(IAsyncStreamReader<SidecarMessage> stream, string instance, SidecarConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            while (await stream.MoveNext(cancellationToken)) Take(stream.Current, instance, connection);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException)
        {
            LogDisconnected(logger, instance);
        }
    }

    private void Take(SidecarMessage message, string instance, SidecarConnection connection)
    {
        switch (message.KindCase)
        {
            case SidecarMessage.KindOneofCase.Ack:
                registry.With(instance, sidecar => IsCurrent(sidecar, connection) && Acknowledge(sidecar, message.Ack.Version));
                break;
            case SidecarMessage.KindOneofCase.Nack:
                LogRefusedSnapshot(logger, instance, message.Nack.Version, string.Join(" | ", message.Nack.Errors));
                registry.With(instance, sidecar => IsCurrent(sidecar, connection) && Refuse(sidecar, message.Nack));
                break;
            case SidecarMessage.KindOneofCase.Report when TryRead<SidecarReport>(message.Report, instance, out var report):
                registry.Report(instance, report);
                break;
            case SidecarMessage.KindOneofCase.Tap when TryRead<TapEvent>(message.Tap, instance, out var tapped):
                taps.Publish(tapped);
                break;
        }
    }

    private static bool IsCurrent(SidecarState sidecar, SidecarConnection connection) => ReferenceEquals(sidecar.Connection, connection);

    private static bool Acknowledge(SidecarState sidecar, long version)
    {
        sidecar.AcknowledgedVersion = version;
        if (version >= sidecar.RefusedVersion) (sidecar.RefusedVersion, sidecar.RefusedReasons) = (0, []);
        return true;
    }

    private static bool Refuse(SidecarState sidecar, Nack nack)
    {
        (sidecar.RefusedVersion, sidecar.RefusedReasons) = (nack.Version, nack.Errors.ToImmutableArray());
        return true;
    }

    private bool TryRead<T>(ByteString json, string instance, [NotNullWhen(true)] out T? value)
        where T : class
    {
        try
        {
            value = MeshDocument.Read<T>(json.Span);
            return true;
        }
        catch (JsonException e)
        {
            LogUnreadable(logger, instance, typeof(T).Name, e.Message);
            value = null;
            return false;
        }
    }

    private static async Task<SvidResponse> GrantedAsync(Func<Task<SvidResponse>> grant)
    {
        try
        {
            return await grant();
        }
        catch (AttestationUnavailableException e)
        {
            throw Refusal(StatusCode.Unavailable, e.Message);
        }
        catch (MeshValidationException e)
        {
            // Not the sidecar's fault, and it may pass: it asks again.
            if (e.Problems.Any(p => p.Id == MeshDiagnostics.BadCertificateAuthority.Id)) throw Refusal(StatusCode.Unavailable, e.Message);
            var malformed = e.Problems.Any(p => p.Id == MeshDiagnostics.BadCertificateRequest.Id);
            throw Refusal(malformed ? StatusCode.InvalidArgument : StatusCode.PermissionDenied, e.Message);
        }
    }

    // The handshake has validated the certificate; here it only says who it is.
    private static (string Workload, string Instance) Peer(ServerCallContext context)
    {
        var certificate = context.GetHttpContext().Connection.ClientCertificate
            ?? throw Refusal(StatusCode.Unauthenticated, "This call needs an SVID of this mesh: join first.");
        if (!SvidValidator.TryReadId(certificate, out var id, out var error)) throw Refusal(StatusCode.Unauthenticated, error);
        var workload = id.Path[(id.Path.LastIndexOf('/') + 1)..];
        return (workload, certificate.GetNameInfo(System.Security.Cryptography.X509Certificates.X509NameType.SimpleName, false));
    }

    private static RpcException Refusal(StatusCode code, string message) => new(new Status(code, message));

    [LoggerMessage(10, LogLevel.Debug, "Sidecar '{Instance}' is connected; it obeys version {Version}.")]
    private static partial void LogConnected(ILogger logger, string instance, long version);

    [LoggerMessage(11, LogLevel.Debug, "Sidecar '{Instance}' is not connected any more.")]
    private static partial void LogDisconnected(ILogger logger, string instance);

    [LoggerMessage(12, LogLevel.Warning, "Sidecar '{Instance}' refused version {Version}: {Reasons} [MESH0200]")]
    private static partial void LogRefusedSnapshot(ILogger logger, string instance, long version, string reasons);

    [LoggerMessage(13, LogLevel.Warning, "Sidecar '{Instance}' sent a {Kind} that cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string instance, string kind, string reason);
}
