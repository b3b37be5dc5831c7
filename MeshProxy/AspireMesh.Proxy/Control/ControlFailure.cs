using System.Security.Authentication;
using Grpc.Core;

namespace AspireMesh.Proxy.Control;

/// <summary>What a failed call to the control plane means for a sidecar.</summary>
/// <param name="Refused">The control plane answered, and said no: trying the same again cannot help.</param>
/// <param name="Reason">Half a sentence for people.</param>
internal readonly record struct ControlFailure(bool Refused, string Reason)
{
    /// <summary>Reads a failure. A control plane of another mesh counts as one that is away: ours may come back at that address.</summary>
    public static ControlFailure From(Exception exception, ControlPlanePeer peer)
    {
        if (exception is not RpcException rpc) return new ControlFailure(false, exception.Message);
        if (peer.LastRefusal is { } refusal && Find<AuthenticationException>(rpc) is not null)
        {
            return new ControlFailure(false, $"who answers there is not this mesh's control plane: {refusal}");
        }
        var refused = rpc.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.FailedPrecondition;
        return new ControlFailure(refused, rpc.Status.Detail.Length > 0 ? rpc.Status.Detail : rpc.StatusCode.ToString());
    }

    private static T? Find<T>(Exception exception)
        where T : Exception
    {
        for (var e = exception; e is not null; e = e.InnerException ?? (e as RpcException)?.Status.DebugException)
        {
            if (e is T found) return found;
        }
        return null;
    }
}
