using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace AspireMesh.Proxy.Http;

/// <summary>One of the two fixed endpoints Kestrel binds; nothing listens there, connections are handed over.</summary>
internal sealed class HandoverEndPoint(string protocol) : EndPoint
{
    public override string ToString() => protocol;
}

/// <summary>Kestrel's view of a handover endpoint: "accepting" takes the next connection that one of our acceptors handed over.</summary>
internal sealed class HandoverListener(EndPoint endPoint) : IConnectionListener
{
    private readonly Channel<ConnectionContext> _handed = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    public EndPoint EndPoint { get; } = endPoint;

    /// <summary>False once Kestrel stopped accepting.</summary>
    public bool TryHandOver(ConnectionContext connection) => _handed.Writer.TryWrite(connection);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _handed.Reader.WaitToReadAsync(cancellationToken) && _handed.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _handed.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}

/// <summary>Gives Kestrel the handover endpoints instead of sockets.</summary>
internal sealed class HandoverListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public HandoverListener Http1 { get; } = new(new HandoverEndPoint("http/1.1"));

    public HandoverListener Http2 { get; } = new(new HandoverEndPoint("h2c"));

    public bool CanBind(EndPoint endpoint) => endpoint is HandoverEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(ReferenceEquals(endpoint, Http1.EndPoint) ? Http1 : Http2);
}
