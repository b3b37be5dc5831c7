using System.Net;
using AspireMesh.Proxy.Sockets;

namespace AspireMesh.Proxy.Opaque;

/// <summary>Who opened an opaque connection, seen from the way out: asked for its stream once there is a destination to join it with.</summary>
internal abstract class OpaqueOpener
{
    /// <summary>The address it came from; null where that is not known.</summary>
    public abstract IPAddress? From { get; }

    /// <summary>A destination is open: the stream to join with it.</summary>
    /// <exception cref="IOException">There is none: it left, or what it said is not allowed.</exception>
    public abstract ValueTask<HalfCloseStream> AcceptAsync(CancellationToken cut);

    /// <summary>Nothing comes of it; never throws.</summary>
    public abstract ValueTask RefuseAsync(string problem);
}

/// <summary>A connection that says nothing before its bytes flow: it is joined as it is, and reset where it cannot be.</summary>
internal sealed class TakenConnection(HalfCloseStream stream) : OpaqueOpener
{
    public override IPAddress? From => stream.From;

    public override ValueTask<HalfCloseStream> AcceptAsync(CancellationToken cut) => ValueTask.FromResult(stream);

    public override ValueTask RefuseAsync(string problem)
    {
        stream.Reset();
        return ValueTask.CompletedTask;
    }
}
