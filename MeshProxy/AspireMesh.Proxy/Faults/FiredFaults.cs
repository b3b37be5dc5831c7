using AspireMesh.Proxy.Faults.Bytes;
using AspireMesh.Proxy.Faults.Exchange;
using AspireMesh.Proxy.Faults.Handshakes;
using AspireMesh.Proxy.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AspireMesh.Proxy.Faults;

/// <summary>The faults that hit one request or connection, in their order, and their hooks joined together.</summary>
internal sealed class FiredFaults(TimeProvider time, BeforeStrategies? before)
{
    private readonly List<(FaultSequence Sequence, FaultFiring Firing)> _fired = [];
    private int _broke;

    /// <summary>The rules, in their order.</summary>
    public IEnumerable<Protocol.Faults.FaultRule> Rules => _fired.Select(f => f.Sequence.Rule);

    /// <summary>Their ids, comma separated.</summary>
    public string Ids => string.Join(',', Rules.Select(r => r.Id));

    /// <summary>Whether any of them does more than wait.</summary>
    public bool DoesMoreThanWait => _fired.Any(f => f.Sequence.Kind is not Kinds.DelayFault);

    /// <summary>Whether one broke a stream of bytes.</summary>
    public bool Broke => Volatile.Read(ref _broke) != 0;

    /// <summary>Whether anything acts on bytes of opaque connections.</summary>
    public bool ActsOnBytes => _fired.Any(f => f.Sequence.Kind is IByteFault);

    /// <summary>Whether one waited.</summary>
    public bool Delayed { get; set; }

    public void Add(FaultSequence sequence, FaultFiring firing) => _fired.Add((sequence, firing));

    /// <summary>What discovery says, where a fault changes it; the last word counts.</summary>
    public DiscoveryChange Discovery()
    {
        var change = default(DiscoveryChange);
        foreach (var (sequence, _) in _fired)
            if (sequence.Kind is IDiscoveryFault kind && kind.Change() is var one && one != default) change = one;
        return change;
    }

    /// <summary>What is different towards the control plane.</summary>
    public ControlChange Control()
    {
        var change = default(ControlChange);
        foreach (var (sequence, _) in _fired)
            if (sequence.Kind is IControlFault kind) change = change.With(kind.Change());
        return change;
    }

    /// <summary>What is different about a handshake; null for nothing.</summary>
    public HandshakeChange? Handshake(ChaosCertificates certificates)
    {
        HandshakeChange? change = null;
        foreach (var (sequence, _) in _fired)
            if (sequence.Kind is IHandshakeFault kind) change = change is null ? kind.Change(certificates) : change.With(kind.Change(certificates));
        return change;
    }

    /// <summary>Runs what acts before forwarding; the first that ends the request wins. The token is the attempt's, so a delay runs into the caller's deadline as a slow network would.</summary>
    public async ValueTask<FaultEffect> BeforeAsync(CancellationToken cancellation)
    {
        if (before is null || !_fired.Exists(static f => f.Sequence.Kind is IBeforeFault)) return FaultEffect.None;
        return await before.RunAsync(this, cancellation) with { Delayed = Delayed };
    }

    /// <summary>How this rule hit; null for not at all.</summary>
    public FaultFiring? FiringOf(FaultSequence sequence)
    {
        foreach (var (one, firing) in _fired)
            if (ReferenceEquals(one, sequence)) return firing;
        return null;
    }

    /// <summary>Puts what acts on the request's body in the way of it.</summary>
    /// <returns>Takes it out again; null where nothing was done.</returns>
    public Action? ShapeRequest(HttpContext context)
    {
        if (!Acts(request: true)) return null;
        var (body, upgradeBefore, connectBefore) = (context.Request.Body, context.Features.Get<IHttpUpgradeFeature>(), context.Features.Get<IHttpExtendedConnectFeature>());
        var framing = MessageFraming.Of(context.Request);
        if (upgradeBefore is { IsUpgradableRequest: true } upgrade) context.Features.Set<IHttpUpgradeFeature>(new ShapedUpgrade(upgrade, s => Shape(s, true, framing, null)));
        else if (connectBefore is { IsExtendedConnect: true } connect) context.Features.Set<IHttpExtendedConnectFeature>(new ShapedConnect(connect, s => Shape(s, true, framing, null)));
        else context.Request.Body = Shape(body, true, framing, null);
        return () =>
        {
            context.Request.Body = body;
            context.Features.Set(upgradeBefore);
            context.Features.Set(connectBefore);
        };
    }

    /// <summary>Puts what acts on the exchange and on the response around the client.</summary>
    public HttpMessageInvoker Around(HttpMessageInvoker client, MessageFraming framing)
    {
        var exchanges = _fired.Select(f => f.Sequence.Kind).OfType<IExchangeFault>().ToArray();
        return exchanges.Length == 0 && !_fired.Any(f => f.Sequence.Kind is IByteFault) ? client : new FaultInvoker(client, exchanges, this, framing);
    }

    /// <summary>Whether the announced length of a body cannot stay.</summary>
    public bool ChangesLength(bool request) => OnBytes(request).Any(f => f.Kind.ChangesLength);

    /// <summary>Whether anything acts on this direction.</summary>
    public bool Acts(bool request) => OnBytes(request).Any();

    /// <summary>A stream whose reads are what the faults make of them; writes pass.</summary>
    public ShapedStream Shape(Stream stream, bool request, MessageFraming framing, HttpResponseMessage? response) => new(stream, Flow(request, framing, response), this);

    /// <summary>Likewise for an opaque connection.</summary>
    /// <param name="stream">Where the bytes come from.</param>
    /// <param name="request">They go from the caller to the callee.</param>
    public HalfCloseStream Shape(HalfCloseStream stream, bool request) => Acts(request) ? new ShapedConnection(stream, Shape(stream, request, MessageFraming.None, null)) : stream;

    /// <summary>Applies the kinds one after another, the first nearest the source.</summary>
    internal IAsyncEnumerable<ReadOnlyMemory<byte>> Apply(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, CancellationToken cancellation)
    {
        foreach (var (kind, firing) in OnBytes(flow.IsRequest)) bytes = kind.Shape(bytes, flow with { Firing = firing }, cancellation);
        return bytes;
    }

    internal void NoteBreak() => Volatile.Write(ref _broke, 1);

    private ByteFlow Flow(bool request, MessageFraming framing, HttpResponseMessage? response) => new(request, framing, time, default, response);

    private IEnumerable<(IByteFault Kind, FaultFiring Firing)> OnBytes(bool request)
    {
        foreach (var (sequence, firing) in _fired)
            if (sequence.Kind is IByteFault kind && (kind.Direction == "both" || kind.Direction == (request ? "request" : "response"))) yield return (kind, firing);
    }
}
